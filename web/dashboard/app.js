// SPDX-License-Identifier: Apache-2.0

import { $, el, put, mark, fill, clock, line } from './dom.js'
import { Stream } from './stream.js'
import * as mesh from './mesh.js'
import * as regions from './regions.js'
import * as keys from './keys.js'
import * as feed from './feed.js'

const views = ['mesh', 'regions', 'keys', 'changes']
let last // View
let spoken = ''

const stream = new Stream('events', heard, lost)

function heard(event, data) {
  switch (event) {
    case 'hello':
      keys.allow(data.writes)
      feed.begin(data)
      break
    case 'feed':
      feed.add(data)
      break
    case 'view':
      last = data
      document.body.classList.remove('stale')
      judge(data)
      draw()
      feed.alive()
  }
}

function lost(why, wait) {
  verdict('lost', 'Connection lost', (last ? 'what you see is of ' + clock(last.now) + ' and may be wrong' : 'nothing was seen yet') + ': ' + why + '. Trying again.')
  document.body.classList.toggle('stale', Boolean(last))
  feed.lost()
}

// draw shows the last view, whether or not it is still true.
function draw() {
  const v = last
  put($('#who'), v.host + '/' + v.service + (v.version ? ', ' + v.version : ''))
  banners(v.warnings)
  mesh.note(v)
  regions.learn(v.regions)
  keys.learn(v.regions)
  feed.learn(v.regions)
  switch (current()) {
    case 'mesh': mesh.show(v); break
    case 'regions': regions.show()
  }
}

// judge says whether the mesh is complete; only the service says so, and only
// of now.
function judge(v) {
  const nodes = v.nodes + (v.nodes === 1 ? ' process' : ' processes')
  if (!v.complete) {
    const n = v.expected - v.present
    verdict('bad', 'Mesh incomplete', `${v.present} of ${v.expected} links, ${nodes}` + (n > 0 ? `, ${n} missing` : '; see the notes'))
  } else if (v.expected === 0) {
    verdict('wait', 'Alone', 'no other member is known, so there is nothing to link with')
  } else {
    verdict('good', 'Mesh complete', `${v.present} of ${v.expected} links, ${nodes}`)
  }
}

const signs = { good: '✓ ', bad: '✗ ', lost: '⚠ ', wait: '' }

function verdict(state, word, text) {
  const box = $('#verdict')
  mark(box, 'data-state', state)
  put($('strong', box), signs[state] + word)
  put($('span', box), text)
  const title = (state === 'good' ? '✓ ' : state === 'wait' ? '' : '✗ ') + word + ' – Lateral'
  if (document.title !== title) document.title = title
}

const kinds = { secret: 'No cluster secret', loopback: 'No cluster secret', note: 'Note' }

let known // warnings that were said aloud

function banners(warnings) {
  // One line for all endpoints that only this machine reaches.
  const local = warnings.filter(w => w.kind === 'loopback')
  const shown = warnings.filter(w => w.kind !== 'loopback')
  if (local.length) shown.push({ kind: 'loopback', text: 'whoever is on this machine can take part; nobody else reaches it' })
  const key = w => w.kind + w.text.replace(/\(\d+ times\)/, '')
  fill($('#banners'), shown, key, w => el('p', { class: 'banner ' + w.kind }, el('strong', {}, kinds[w.kind] + ': '), el('span')),
    (p, w) => put($('span', p), line(w.text)))
  const now = new Set(shown.map(w => key(w).replace(/\d+/g, '')))
  const fresh = shown.filter(w => known && !known.has(key(w).replace(/\d+/g, '')))
  known = now
  if (fresh.length) announce(fresh.map(w => kinds[w.kind] + ': ' + line(w.text)).join('; '))
}

export function announce(text) {
  if (text === spoken) return
  spoken = text
  put($('#announce'), text)
}

const current = () => views.includes(location.hash.slice(1)) ? location.hash.slice(1) : 'mesh'

function route(focus) {
  if (location.hash === '#main') return
  const now = current()
  for (const name of views) {
    $('#' + name).hidden = name !== now
    const link = $(`nav a[href="#${name}"]`)
    if (name === now) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  if (last) draw()
  if (focus) $(`#${now}-h`).focus({ preventScroll: true })
  window.scrollTo(0, 0)
}

addEventListener('hashchange', () => route(true))
// A page that nobody sees costs the service nothing.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) return stream.stop()
  verdict('wait', 'Connecting …', last ? 'what you see is of ' + clock(last.now) : '')
  stream.start()
})
mesh.init(announce)
regions.init(region => { keys.choose(region); location.hash = '#keys' })
keys.init()
feed.init(query => stream.start(query))
route(false)
stream.start()
