// SPDX-License-Identifier: Apache-2.0

import { $, el, put, fill, visible, line, nameOf, bytes, number, date, millis } from './dom.js'
import { get, act, confirmed } from './ask.js'

let writes = false
let asked = 0 // of several questions only the answer to the last is shown

const form = () => $('#keys-form')
const region = () => form().elements.region.value
const say = text => put($('#keys-said'), text)

export function init() {
  form().addEventListener('submit', e => { e.preventDefault(); list() })
  form().elements.region.addEventListener('change', forget)
  $('#verify').onclick = verify
  $('#clear').onclick = clear
}

export function allow(yes) {
  writes = yes
  $('#keys-actions').hidden = !yes
}

// learn offers the regions of the service that answers.
export function learn(list) {
  fill(form().elements.region, list.filter(r => r.here), r => r.region, r => el('option', { value: r.region }, line(r.region)))
}

// choose opens a region.
export function choose(name) {
  form().elements.region.value = name
  form().elements.text.value = ''
  list()
}

function forget() {
  fill($('#keys-list'), [], k => k)
  $('#element').hidden = true
  say('')
}

// literal makes a pattern that means a text itself.
const literal = text => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

function pattern() {
  const { how, text } = form().elements
  switch (how.value) {
    case 'pattern': return text.value
    case 'is': return literal(text.value)
    case 'has': return text.value && '.*' + literal(text.value) + '.*'
  }
  return text.value && literal(text.value) + '.*'
}

async function list() {
  const mine = ++asked
  const where = region()
  forget()
  say('Asking …')
  try {
    const found = await get('keys', { region: where, pattern: pattern(), limit: form().elements.limit.value })
    if (mine !== asked) return
    fill($('#keys-list'), found.keys, k => k.id, k => el('li', {}, el('button', { type: 'button', class: 'key', onclick: e => show(where, k, e.currentTarget) }, nameOf(k.name))))
    say(found.total === 0 ? `This service holds no such key in ${where}.`
      : found.keys.length < found.total ? `The first ${number(found.keys.length)} of ${number(found.total)} keys that this service holds.` : found.total === 1 ? '1 key that this service holds.' : `${number(found.total)} keys that this service holds.`)
  } catch (err) {
    if (mine === asked) say(err.message)
  }
}

async function show(where, k, button) {
  const mine = ++asked
  for (const b of document.querySelectorAll('#keys-list [aria-current]')) b.removeAttribute('aria-current')
  button.setAttribute('aria-current', 'true')
  const box = $('#element')
  const title = el('h3', { tabindex: '-1' }, el('bdi', {}, nameOf(k.name)))
  const why = el('div', { 'aria-live': 'polite' })
  const tools = el('p', { class: 'tools' }, el('button', { type: 'button', onclick: () => explain(where, k, why) }, 'Why?'),
    writes && el('button', { type: 'button', class: 'danger', onclick: () => remove(where, k) }, 'Remove …'))
  const body = el('div', {}, 'Asking …')
  box.replaceChildren(title, body, tools, why)
  box.hidden = false
  title.focus()
  try {
    const e = await get('element', { region: where, id: k.id })
    if (mine === asked) body.replaceChildren(...element(e))
  } catch (err) {
    if (mine === asked) body.replaceChildren(el('p', { class: 'bad' }, err.message))
  }
}

const life = s => s < 0 ? 'unlimited' : millis(s * 1000)
const kinds = { text: 'text', tree: 'as a tree', hex: 'bytes' }

// element shows an element.
function element(e) {
  const facts = [['Value', `${bytes(e.bytes)}, ${e.form}, shown ${kinds[e.kind] === 'text' ? 'as text' : kinds[e.kind]}${e.cut ? ' (only its start)' : ''}`],
    ['Written', date(e.written)], ['Last access', date(e.accessed)], ['Stamp', e.stamp],
    ['Lifetime', e.eternal ? 'eternal' : `${life(e.max_life_s)}, idle ${life(e.max_idle_s)}`], ['Travels', e.lateral ? 'yes' : 'no'],
    e.tags?.length && ['Tags', e.tags.join(', ')], e.name.binary && ['Key', 'is no text: what cannot be shown is replaced']].filter(Boolean)
  return [el('pre', { role: 'region', tabindex: '0', 'aria-label': 'Value' }, visible(e.text)),
    el('dl', {}, ...facts.flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, line(text))]))]
}

async function explain(where, k, box) {
  box.replaceChildren('Asking all members …')
  try {
    const x = await get('why', { region: where, id: k.id })
    const head = ['Member', 'State', 'Stamp', 'Writer', 'Remarks']
    box.replaceChildren(el('h4', {}, 'Why it is what it is'), el('ul', {}, ...x.why.map(w => el('li', {}, line(w)))),
      el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': 'What members know' },
        el('table', {}, el('caption', { class: 'unseen' }, 'What members know of the key'), el('thead', {}, el('tr', {}, ...head.map(h => el('th', { scope: 'col' }, h)))),
          el('tbody', {}, ...x.held.map(h => el('tr', {}, el('th', { scope: 'row' }, line(h.member) + (h.own ? ' (this)' : '')),
            ...[h.state, h.stamp, h.writer ?? '', remarks(h)].map(t => el('td', {}, line(t ?? '')))))))))
  } catch (err) {
    box.replaceChildren(el('p', { class: 'bad' }, err.message))
  }
}

const remarks = h => [h.error, h.floor, h.refused && `refused ${h.refused.stamp}: ${h.refused.why}`, h.left_ns && 'expires in ' + millis(h.left_ns / 1e6),
  h.bypassed && 'memory is not looked at now', h.held && 'kept out of memory while its source changes'].filter(Boolean).join('; ')

async function perform(action, told) {
  say('Working …')
  try {
    say(told(await act(action)))
  } catch (err) {
    say(err.message)
  }
}

async function remove(where, k) {
  const name = nameOf(k.name)
  if (!await confirmed('Remove a key?', `${name} of region ${line(where)} is removed on every member of the cluster.`, 'Remove')) return
  await perform({ do: 'remove', region: where, id: k.id }, d => d.found ? `${name} was removed.` : `${name} was not there any more.`)
  $('#element').hidden = true
  form().elements.text.focus()
}

async function clear() {
  const where = region()
  if (!await confirmed('Clear a region?', `Everything in region ${line(where)} is removed, on every member of the cluster.`, 'Clear', where)) return
  await perform({ do: 'clear', region: where }, d => `${number(d.count)} elements of ${where} were removed here, and all of it on the other members.`)
  fill($('#keys-list'), [], k => k)
  $('#element').hidden = true
}

async function verify() {
  const where = region()
  if (!await confirmed('Compare replicas?', `All members compare what they hold of region ${line(where)}. Nothing is changed; it costs some traffic.`, 'Compare')) return
  await perform({ do: 'verify', region: where }, told)
}

function told(v) {
  return v.regions.map(r => {
    const keys = (r.differences ?? []).slice(0, 5).map(d => `${line(d.key)} is lacked by ${d.lacked.join(', ')}`).join('; ')
    return `${r.region}: ${r.verdict}` + (r.total ? `, ${r.more ? 'at least ' : ''}${r.total} keys differ: ${keys}` : '') + (r.why?.length ? ` (${r.why.join('; ')})` : '')
  }).join(' · ') || 'values of this region do not travel: there is nothing to compare'
}
