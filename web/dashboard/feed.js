// SPDX-License-Identifier: Apache-2.0

import { $, el, put, fill, nameOf, line, number, clock } from './dom.js'

const longest = 200 // rows
let rows = []
let seen = 0
let missed = 0
let on = false
let reopen
let what = ''

const say = text => put($('#feed-said'), text)

export function init(start) {
  reopen = start
  $('#feed-form').addEventListener('submit', e => {
    e.preventDefault()
    on = !on
    follow()
  })
  $('#feed-form select').addEventListener('change', () => on && follow())
}

function follow() {
  put($('#feed-go'), on ? 'Stop' : 'Follow')
  const region = $('#feed-form select').value
  if (on) { rows = []; seen = missed = 0; draw() }
  say(on ? 'Asking …' : `Stopped after ${number(seen)} changes.`)
  reopen(on ? String(new URLSearchParams({ feed: region })) : '')
}

export function learn(list) {
  fill($('#feed-form select'), [{ region: '' }, ...list.filter(r => r.here)], r => r.region, r => el('option', { value: r.region }, r.region ? line(r.region) : 'all'))
}

// begin is told which regions the stream follows.
export function begin(hello) {
  if (!on) return
  what = (hello.feed.length === 1 ? 'region ' + line(hello.feed[0]) : hello.feed.length + ' regions') + (hello.more ? ` (${hello.more} more are too many: choose one)` : '')
  count()
}

export function alive() { if (on) count() }
export function lost() { if (on) say('The connection is lost: changes of this time are not heard.') }

const count = () => say(`Following ${what}: ${number(seen)} changes` + (missed ? `, ${number(missed)} more came too fast to be shown` : '') + '.')

export function add(batch) {
  seen += batch.events.length + (batch.missed ?? 0)
  missed += batch.missed ?? 0
  rows = [...batch.events.reverse(), ...rows].slice(0, longest)
  draw()
}

const draw = () => fill($('#feed tbody'), rows, e => e, row)

function row(e) {
  const many = e.op && e.op !== 'remove'
  const texts = [line(e.region), e.kind === 'missed' ? '' : many && !e.name.key ? 'everything' : (many ? e.op.replace('remove-', '') + ' ' : '') + nameOf(e.name),
    e.kind === 'missed' ? 'some changes were not heard, or may be missing' : many ? 'removed many' : e.kind, e.kind === 'missed' ? '' : e.peer ? 'a peer' : 'this node', e.kind === 'written' ? number(e.bytes ?? 0) : '']
  return el('tr', { class: e.kind }, el('th', { scope: 'row' }, el('time', { datetime: e.at }, clock(e.at))), ...texts.map((t, i) => el('td', { class: i === 4 ? 'number' : undefined }, el('bdi', {}, t))))
}
