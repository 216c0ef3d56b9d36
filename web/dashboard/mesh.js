// SPDX-License-Identifier: Apache-2.0

import { $, el, put, mark, fill, cells, millis, number, clock, date, line } from './dom.js'

const longest = 50 // lines of history
let announce
let before // what was seen last: link → state
const history = []

export function init(say) { announce = say }

// note keeps, and says aloud, what has changed.
export function note(v) {
  const now = new Map()
  for (const s of v.hosts.flatMap(h => h.services.map(s => ({ ...s, host: h.name })))) now.set(`${s.host}/${s.name}${s.pid ? ' pid ' + s.pid : ''}`, 'known')
  for (const m of v.missing) now.set(`${m.from} – ${m.to}`, 'missing: ' + m.reason)
  if (before) {
    const lines = []
    for (const [what, state] of now) {
      if (before.get(what) === state) continue
      lines.push(state === 'known' ? what + ' has come' : what + ' is ' + state)
    }
    for (const [what, state] of before) {
      if (!now.has(what)) lines.push(state === 'known' ? what + ' has left' : what + ' is no longer missing')
    }
    if (lines.length) {
      history.unshift(...lines.map(text => ({ at: v.now, text })))
      history.length = Math.min(history.length, longest)
      announce(lines.length > 3 ? `${lines.length} changes: ${lines[0]}, …` : lines.join('; '))
    }
  }
  before = now
}

export function show(v) {
  missing(v.missing)
  fill($('#grids'), v.grids, g => g.cluster + '|' + g.group, grid, update)
  java(v)
  hosts(v)
  fill($('#stable'), v.stable.map(text => ({ name: text.split(': ')[0], text })), s => s.name, () => el('li'), (li, s) => put(li, line(s.text)))
  if (history.length) fill($('#history'), history, h => h, h => el('li', {}, el('time', { datetime: h.at }, clock(h.at)), ' ' + line(h.text)))
}

// missing shows links by what to do about them.
function missing(list) {
  const byRemedy = new Map()
  for (const m of list) byRemedy.set(m.remedy, [...byRemedy.get(m.remedy) ?? [], m])
  fill($('#missing'), [...byRemedy], ([remedy]) => remedy,
    ([remedy]) => el('div', { class: 'card bad' }, el('h3'), el('p', {}, el('strong', {}, 'Why: '), el('span')), el('p', {}, el('strong', {}, 'What to do: '), line(remedy)),
      el('details', {}, el('summary', {}, 'Which'), el('ul'))),
    (card, [, links]) => {
      put($('h3', card), links.length === 1 ? '1 link is missing' : links.length + ' links are missing')
      const causes = new Set(links.map(m => line(m.reason)))
      put($('p span', card), [...causes].slice(0, 3).join('; ') + (causes.size > 3 ? `; and ${causes.size - 3} more` : ''))
      fill($('ul', card), links, m => m.from + '|' + m.to, m => el('li', {}, el('b', {}, `${line(m.from)} – ${line(m.to)}`), ': ', el('span')),
        (li, m) => put($('span', li), line(m.reason)))
    })
}

let grids = 0

// grid makes a matrix; its cells are filled by update.
function grid(g) {
  const id = 'grid-' + grids++
  return el('div', {}, el('h3', { id }), el('p', { class: 'grid-sum' }),
    el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-labelledby': id },
      el('table', { class: 'grid' }, el('caption', { class: 'unseen' }), el('thead', {}, el('tr')), el('tbody'))))
}

function update(box, g) {
  const where = (g.group ? 'Group ' + g.group : 'Listed peers') + ', cluster ' + g.cluster
  put($('h3', box), where)
  const sum = $('.grid-sum', box)
  put(sum, `${g.present} of ${g.expected} links, ${g.members.length} members` + (g.rows ? '' : ': too many to be drawn'))
  mark(sum, 'class', 'grid-sum ' + (g.present < g.expected ? 'bad' : 'up'))
  put($('caption', box), `Links: ${where}. A row sends to a column.`)
  const label = (m, i) => g.members.findIndex(o => o.name === m.name) === i && !g.members.some((o, j) => j !== i && o.name === m.name) ? m.name : `${m.name} ${m.pid ? 'pid ' + m.pid : m.addr ?? ''}`
  const members = g.members.map((m, i) => ({ ...m, i, label: label(m, i) }))
  fill($('thead tr', box), [{ label: '' }, ...members], m => m.label + '|' + m.i,
    m => m.label ? el('th', { scope: 'col', title: m.label }, String(m.i + 1), ' ', columnName(m.label, members.length)) : el('th', { scope: 'col' }, 'from \\ to'))
  fill($('tbody', box), g.rows ? members : [], m => m.label + '|' + g.members.length, m => {
    const tr = cells(members.length + 1)
    tr.firstChild.append(el('span', { class: 'n' }, String(m.i + 1)), ' ', el('bdi', {}, ...broken(m.name)), el('small', {}, el('span', { class: 'addr' }), el('span')))
    return tr
  }, (tr, m) => {
    put($('.n', tr), String(m.i + 1))
    put($('.addr', tr), ` ${m.addr ?? ''} · `)
    put($('.addr + span', tr), `${m.stale ? 'silent · ' : ''}${m.up} of ${m.want}`)
    g.rows[m.i].forEach((c, j) => cell(tr.children[j + 1], c))
  })
}

// columnName is seen where there is room, and read aloud always.
const columnName = (label, members) => el('small', { class: members > 10 ? 'unseen' : 'wide' }, ...broken(label))

// broken is a name that may be broken behind its host.
function broken(name) {
  const [host, ...rest] = line(name).split('/')
  return rest.length ? [host + '/', el('wbr'), rest.join('/')] : [host]
}

function cell(td, c) {
  const [sign, word] = { self: ['·', 'itself'], up: ['✓', 'linked'], missing: ['✗', 'missing'], none: ['–', 'not needed'] }[c.state] ?? ['?', c.state]
  if (!td.firstChild) td.append(el('span', { 'aria-hidden': 'true', class: 'sign' }), el('span', { class: 'unseen' }), el('span', { class: 'lag' }), el('small'))
  mark(td, 'class', c.state)
  put(td.children[0], sign)
  put(td.children[1], ' ' + word + ' ')
  put(td.children[2], c.state === 'missing' ? 'missing' : c.state !== 'up' ? '' : c.lag_ms === undefined ? 'lag ?' : (c.most ? '≤ ' : '') + millis(c.lag_ms) + (c.changes ? `, ${c.changes}` : ''))
  mark(td.children[2], 'aria-hidden', String(c.state === 'missing'))
  put(td.children[3], c.protocol ? ' ' + c.protocol : '')
}

function java(v) {
  $('#java').hidden = !v.java.length && !v.losses.length && !v.disputes.length
  table($('#java-links'), 'Java nodes', ['From', 'To', 'Protocol', 'Direction', 'Lag'], v.java, l => l.from + '|' + l.to + '|' + l.direction,
    l => [l.from, l.to, l.protocol, l.direction, millis(l.lag_ms) + (l.changes ? `, ${l.changes} changes` : '')])
  table($('#java-disputes'), 'Keys that Java nodes hold different values of', ['Key', 'Region', 'Observed by', 'Nodes and hashes of values, last writer first', 'Apart', 'Last'], v.disputes,
    d => d.service + '|' + d.region + '|' + d.key, d => [d.key, d.region, d.service, d.nodes.join(', '), millis(d.gap_ms), clock(d.last)])
  table($('#java-losses'), 'What Java nodes were not told, or cannot all read', ['Service', 'What', 'Way', 'Region', 'Times', 'Class', 'Why', 'Last key', 'Last'], v.losses,
    l => [l.service, l.kind, l.way, l.region, l.class, l.why].join('|'), l => [l.service, l.kind, l.way, l.region || '–', number(l.count), l.class || '–', l.why, l.key || '–', clock(l.last)])
}

// table shows a list as one; of an empty list there is none.
function table(box, name, heads, list, key, texts) {
  box.hidden = !list.length
  if (!list.length) return
  if (!box.firstChild) {
    const id = box.id + '-h'
    box.append(el('h3', { id }, name), el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-labelledby': id },
      el('table', {}, el('caption', { class: 'unseen' }, name), el('thead', {}, el('tr', {}, ...heads.map(h => el('th', { scope: 'col' }, h)))), el('tbody'))))
  }
  fill($('tbody', box), list, key, () => cells(heads.length), (tr, row) => texts(row).forEach((text, i) => put(tr.children[i], line(text))))
}

function hosts(v) {
  const list = v.hosts.flatMap(h => h.services.map(s => ({ ...s, host: h.name })))
  fill($('#hosts tbody'), list, s => s.host + '|' + s.name + '|' + (s.pid ?? ''), () => cells(5), (tr, s) => {
    const [word, kind] = state(s, v.now)
    const process = [s.pid && 'pid ' + s.pid, s.started && 'up ' + millis(new Date(v.now) - new Date(s.started)), s.version].filter(Boolean).join(', ')
    ;[`${s.host}/${s.name}`, word, `${s.up} of ${s.want}`, process || 'not known', s.endpoints.join(', ')].forEach((text, i) => put(tr.children[i], line(text)))
    mark(tr.children[1], 'class', kind)
    mark(tr.children[2], 'class', s.up < s.want ? 'bad' : 'up')
    if (s.started) mark(tr.children[3], 'title', 'since ' + date(s.started))
  })
}

function state(s, now) {
  if (s.error) return ['does not answer: ' + s.error, 'bad']
  if (s.unready?.length) return ['not ready: ' + s.unready.join('; '), 'bad']
  if (s.asked) return ['answers', 'up']
  if (s.stale) return ['silent' + (s.heard ? ' for ' + millis(new Date(now) - new Date(s.heard)) : ''), 'bad']
  if (s.want > 0 && s.up === 0) return ['no link', 'bad']
  return s.up > 0 ? ['linked', 'up'] : ['heard of', '']
}
