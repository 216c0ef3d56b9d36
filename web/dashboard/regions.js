// SPDX-License-Identifier: Apache-2.0

import { $, el, put, mark, fill, number, bytes, millis, line } from './dom.js'

const ratio = r => r.gets ? r.hits / r.gets : -1
const lag = r => r.lag_ms * 1e6 + r.changes

// Each column: head, text, order, and whether it is a number.
const columns = [
  ['Region', r => r.region, r => r.region],
  ['Service', r => r.service, r => r.service],
  ['Mode', r => r.mode, r => r.mode],
  ['State', r => r.unready ? 'not ready: ' + r.unready : 'ready', r => r.unready ?? ''],
  ['Elements', r => number(r.elements) + (r.max_objects > 0 ? ' / ' + number(r.max_objects) : ''), r => r.elements, true],
  ['Size', r => bytes(r.bytes), r => r.bytes, true],
  ['Hit ratio', r => r.gets ? (100 * ratio(r)).toFixed(1) + ' % of ' + number(r.gets) : 'no gets', ratio, true],
  ['Evicted', r => number(r.evictions), r => r.evictions, true],
  ['Expired', r => number(r.expired), r => r.expired, true],
  ['On disk', r => r.disks ? number(r.on_disk ?? 0) + ', ' + bytes(r.disk_bytes ?? 0) : '–', r => r.disks ? r.on_disk ?? 0 : -1, true],
  ['Lag', r => millis(r.lag_ms) + (r.changes ? `, ${number(r.changes)} changes` : ''), lag, true],
  ['Stale', r => stale(r), r => r.stale_now_ns ?? 0, true],
  ['Remarks', r => r.trouble ?? '', r => r.trouble ?? ''],
]

function stale(r) {
  if (!r.stale_most_ns) return r.mode === 'invalidate' ? 'bypassed' : '–'
  return millis((r.stale_now_ns ?? 0) / 1e6) + ' ≤ ' + millis(r.stale_most_ns / 1e6)
}

let all = []
let by = 0
let down = false
let open

export function learn(list) { all = list }

export function init(browse) {
  open = browse
  const head = $('#regions-table thead tr')
  columns.forEach(([name, , , isNumber], i) => {
    const th = el('th', { scope: 'col', class: isNumber ? 'number' : undefined }, el('button', { type: 'button', onclick: () => sort(i) }, name))
    head.append(th)
  })
  sort(0)
  $('#regions-filter').addEventListener('input', show)
  $('#regions-filter').addEventListener('submit', e => e.preventDefault())
}

function sort(i) {
  down = i === by ? !down : Boolean(columns[i][3])
  if (i === by && !all.length) down = false // at the start
  by = i
  const heads = $('#regions-table thead tr').children
  for (let k = 0; k < heads.length; k++) {
    if (k === by) heads[k].setAttribute('aria-sort', down ? 'descending' : 'ascending')
    else heads[k].removeAttribute('aria-sort')
  }
  show()
}

export function show() {
  const form = $('#regions-filter')
  const name = form.elements.name.value.toLowerCase()
  const order = columns[by][2]
  const list = all.filter(r => r.region.toLowerCase().includes(name) && (!form.elements.used.checked || r.elements || r.gets || r.evictions || r.unready || r.trouble))
  list.sort((a, b) => {
    const [x, y] = [order(a), order(b)]
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1) || a.region.localeCompare(b.region) || a.service.localeCompare(b.service)
  })
  fill($('#regions-table tbody'), list, r => r.region + '|' + r.service, row, (tr, r) => {
    columns.forEach(([, text], i) => i > 0 && put(tr.children[i], line(text(r))))
    mark(tr.children[3], 'class', r.unready ? 'bad' : 'up')
  })
  put($('#regions-count'), `${list.length} of ${all.length} regions of the services of this host. Lag: of the peer that is furthest behind. Stale: now, and at most whatever link fails.`)
}

function row(r) {
  const name = r.here ? el('button', { type: 'button', class: 'link', title: 'List its keys', onclick: () => open(r.region) }, line(r.region)) : line(r.region)
  return el('tr', {}, el('th', { scope: 'row' }, name), ...columns.slice(1).map(c => el('td', c[3] ? { class: 'number' } : {})))
}
