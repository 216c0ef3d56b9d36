// SPDX-License-Identifier: Apache-2.0

import { headers, failure, signIn } from './ask.js'

const silence = 6000 // ms after which a stream that should speak each second is dead
const longest = 8000 // ms between two attempts

// A Stream hears server-sent events and reconnects by itself. It is read with
// fetch, not EventSource, which neither sends a token nor says why it failed.
export class Stream {
  // heard(event, data) is told what comes, lost(why, next) that nothing does and
  // when it is tried again.
  constructor(path, heard, lost) {
    Object.assign(this, { path, heard, lost, query: '', generation: 0 })
  }

  // start hears with a query, and ends what was heard before.
  start(query = this.query) {
    this.query = query
    this.stop()
    this.run(this.generation)
  }

  stop() {
    this.generation++
    this.abort?.abort()
    this.wake?.()
  }

  async run(generation) {
    for (let pause = 250; generation === this.generation; pause = Math.min(pause * 2, longest)) {
      let why = 'the service ended the connection'
      try {
        await this.once(generation, () => { pause = 250 })
      } catch (err) {
        why = err.name === 'AbortError' ? 'nothing was heard for ' + silence / 1000 + ' s' : err.message
        if (err.status === 401) await signIn()
      }
      if (generation !== this.generation) return
      const wait = pause * (0.75 + Math.random() / 2)
      this.lost(why, wait)
      await new Promise(done => {
        this.wake = done
        setTimeout(done, wait)
      })
    }
  }

  // once hears one connection until it ends.
  async once(generation, alive) {
    const abort = this.abort = new AbortController()
    let timer = setTimeout(() => abort.abort(), silence)
    try {
      const res = await fetch(this.path + (this.query && '?' + this.query), { headers: headers(), signal: abort.signal, cache: 'no-store', redirect: 'error' })
      if (!res.ok) throw await failure(res)
      const reader = res.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let text = ''; ;) {
        const { value, done } = await reader.read()
        if (done || generation !== this.generation) return
        clearTimeout(timer)
        timer = setTimeout(() => abort.abort(), silence)
        alive()
        const blocks = (text + value).split('\n\n')
        text = blocks.pop()
        for (const block of blocks) this.tell(block)
      }
    } finally {
      clearTimeout(timer)
      abort.abort()
    }
  }

  tell(block) {
    let event = 'message', data = ''
    for (const l of block.split('\n')) {
      if (l.startsWith('event: ')) event = l.slice(7)
      if (l.startsWith('data: ')) data += l.slice(6)
    }
    if (data) this.heard(event, JSON.parse(data))
  }
}
