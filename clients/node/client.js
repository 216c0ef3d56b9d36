// SPDX-License-Identifier: Apache-2.0
//
// node-redis on two hosts: client.js URL-OF-A URL-OF-B. Each operation on one,
// its effect on the other; ends with "done", or with what was not so.
const assert = require('node:assert/strict')
const { createClient, WatchError } = require('redis')

// until asks again until the answer is as wanted: what one host does reaches
// the other soon, but not at once.
async function until(what, want, ask) {
  let got
  for (const end = Date.now() + 20000; Date.now() < end; ) {
    got = await ask()
    if (JSON.stringify(got) === JSON.stringify(want)) return
    await new Promise(setImmediate) // a hit of the client's cache lets nothing be read from sockets
  }
  assert.deepEqual(got, want, what)
}

async function main([urlA, urlB], RESP) {
  const open = (url, more) => createClient({ ...socket(url), RESP, ...more }).on('error', (e) => { throw e }).connect()
  const a = await open(urlA)
  const b = await open(urlB)

  await a.set('k', 'v', { expiration: { type: 'EX', value: 1000 } })
  assert.equal(await b.get('k'), 'v')
  assert.ok((await b.ttl('k')) > 990)
  assert.equal(await b.set('k', 'w', { condition: 'NX' }), null)
  assert.equal(await b.getDel('k'), 'v')
  assert.equal(await a.get('k'), null)

  await b.hSet('h', { user: 'anna', count: 1 })
  assert.deepEqual({ ...(await a.hGetAll('h')) }, { user: 'anna', count: '1' })
  assert.equal(await a.hIncrBy('h', 'count', 2), 3)
  assert.equal(await b.hGet('h', 'count'), '3')

  assert.deepEqual(await a.multi().set('x', '1').incr('x').get('x').exec(), ['OK', 2, '2'])
  assert.deepEqual(await b.mGet(['x', 'none']), ['2', null])
  await a.watch('x')
  await b.set('x', '10')
  await until('the other host is heard', '10', () => a.get('x'))
  await assert.rejects(a.multi().set('x', '3').exec(), (e) => e instanceof WatchError)

  for (let i = 0; i < 100; i++) await (i % 2 ? a : b).set('scan:' + i, 'x')
  const keys = new Set()
  for await (const batch of a.scanIterator({ MATCH: 'scan:*', COUNT: 1000 })) for (const k of [].concat(batch)) keys.add(k)
  assert.equal(keys.size, 100)

  const sub = await open(urlB)
  const message = new Promise((done) => sub.subscribe('news', done).then(() => a.publish('news', 'hello')))
  assert.equal(await message, 'hello')

  if (RESP === 3) {
    const caching = await open(urlA, { clientSideCache: { ttl: 0, maxEntries: 100 } })
    await b.set('cached', '0')
    assert.equal(await caching.get('cached'), '0')
    for (let i = 1; i <= 50; i++) {
      await b.set('cached', String(i))
      await until('a cached value', String(i), () => caching.get('cached'))
    }
    await caching.close()
  }
  for (const c of [a, b]) {
    await c.flushDb()
    await c.close()
  }
  await sub.close()
}

// socket is a TCP URL, or the path of a socket file.
function socket(url) {
  return url.startsWith('/') ? { socket: { path: url } } : { url }
}

(async () => {
  for (const RESP of [2, 3]) {
    await main(process.argv.slice(2), RESP)
    console.log('RESP' + RESP, 'done')
  }
})().catch((e) => { console.error(e); process.exit(1) })
