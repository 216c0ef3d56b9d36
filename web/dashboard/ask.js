// SPDX-License-Identifier: Apache-2.0

import { $ } from './dom.js'

// A Failure says what was seen, why it matters and what to do.
export class Failure extends Error {
  constructor(status, f) {
    super([f.saw, f.why, f.do].filter(Boolean).join('; '))
    this.status = status
  }
}

const key = 'lateral-token'

export function headers(more = {}) {
  const token = sessionStorage.getItem(key)
  return token ? { ...more, Authorization: 'Bearer ' + token } : more
}

// failure reads why an answer is none.
export async function failure(res) {
  const body = await res.json().catch(() => ({}))
  return new Failure(res.status, body.error ?? { saw: 'HTTP status ' + res.status })
}

// signIn asks for a token; of several callers all wait for the same one.
let asking
export function signIn() {
  asking ??= new Promise(done => {
    const d = $('#token')
    const input = $('input', d)
    input.value = ''
    d.addEventListener('close', () => {
      sessionStorage.setItem(key, input.value.trim())
      asking = undefined
      done()
    }, { once: true })
    d.showModal()
  })
  return asking
}

async function send(path, options) {
  const res = await fetch(path, { ...options, headers: headers(options.headers), cache: 'no-store', redirect: 'error' })
  if (res.status === 401) {
    await signIn()
    return send(path, options)
  }
  if (!res.ok) throw await failure(res)
  return res.json()
}

export const get = (path, query) => send(path + '?' + new URLSearchParams(query), {})

export const act = action => send('act', {
  method: 'POST', body: JSON.stringify(action),
  headers: { 'Content-Type': 'application/json', 'Lateral-Action': 'dashboard' },
})

// confirmed asks before something is changed. Where much would go, a word is to
// be typed.
export function confirmed(title, text, yes, word) {
  const d = $('#confirm')
  const button = $('#confirm-yes')
  const input = $('#confirm-type input')
  $('#confirm-h').textContent = title
  $('#confirm-text').textContent = text
  $('#confirm-type').hidden = !word
  $('#confirm-type b').textContent = word ?? ''
  button.textContent = yes
  input.value = ''
  return new Promise(done => {
    const ready = () => { button.disabled = Boolean(word) && input.value !== word }
    const answer = sure => { done(sure); d.close() }
    ready()
    input.oninput = ready
    button.onclick = () => answer(true)
    $('#confirm-no').onclick = () => answer(false)
    d.oncancel = () => done(false) // not on close: that event comes late, and would answer the next question
    d.showModal()
  })
}
