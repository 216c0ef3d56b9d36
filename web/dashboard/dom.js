// SPDX-License-Identifier: Apache-2.0

// Keys, values and names come from anybody: they become text nodes here, and
// nothing else. The page's policy forbids markup made of text.

export const $ = (selector, root = document) => root.querySelector(selector)

// el makes an element. Properties that start with "on" are listeners, "class"
// and those with a dash are attributes.
export function el(tag, props = {}, ...children) {
  const e = document.createElement(tag)
  for (const [name, v] of Object.entries(props)) {
    if (v === undefined || v === false) continue
    if (name.startsWith('on')) e.addEventListener(name.slice(2), v)
    else e.setAttribute(name, v === true ? '' : v)
  }
  e.append(...children.filter(c => c || c === 0))
  return e
}

// put changes a text only if it is another: what is read aloud, or selected,
// stays.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text
}

export function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value)
}

// fill keeps one child for each item, by key, in order; update gets the child
// of an item each time. Children stay the same elements, and keep the focus.
export function fill(parent, items, key, make, update) {
  const old = parent.kept ?? new Map()
  const kept = new Map()
  let at = parent.firstElementChild
  for (const item of items) {
    const k = key(item)
    let node = old.get(k)
    if (!node || kept.has(k)) node = make(item)
    kept.set(k, node)
    if (node === at) at = at.nextElementSibling
    else parent.insertBefore(node, at)
    update?.(node, item)
  }
  while (at) {
    const next = at.nextElementSibling
    at.remove()
    at = next
  }
  parent.kept = kept
}

// cells makes a row whose first cell is its head.
export function cells(n, numbers = []) {
  const row = el('tr', {}, el('th', { scope: 'row' }))
  for (let i = 1; i < n; i++) row.append(el('td', numbers.includes(i) ? { class: 'number' } : {}))
  return row
}

const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g
const code = c => '⟨U+' + c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0') + '⟩'

// visible shows characters that cannot be seen, or turn the text around them.
export const visible = text => text.replace(hidden, code)

// line is visible in one line.
export const line = text => visible(text).replace(/[\t\n]/g, code)

export const nameOf = n => (n.group ? line(n.group) + ' / ' : '') + (n.key === '' ? '(empty)' : line(n.key)) + (n.cut ? ' …' : '')

const whole = new Intl.NumberFormat('en')
export const number = n => whole.format(n)

export function bytes(n) {
  if (n < 1024) return number(n) + ' B'
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let i = -1
  do { n /= 1024; i++ } while (n >= 1024 && i < 3)
  return n.toFixed(1) + ' ' + units[i]
}

export function millis(ms) {
  if (ms < 1000) return Math.round(ms) + ' ms'
  if (ms < 60e3) return (ms / 1000).toFixed(1) + ' s'
  if (ms < 3600e3) return Math.floor(ms / 60e3) + ' min ' + Math.floor(ms % 60e3 / 1000) + ' s'
  if (ms < 86400e3) return Math.floor(ms / 3600e3) + ' h ' + Math.floor(ms % 3600e3 / 60e3) + ' min'
  return Math.floor(ms / 86400e3) + ' d ' + Math.floor(ms % 86400e3 / 3600e3) + ' h'
}

export const clock = t => new Date(t).toLocaleTimeString('en-GB')
export const date = t => new Date(t).toISOString().replace('T', ' ').replace('Z', ' UTC')
