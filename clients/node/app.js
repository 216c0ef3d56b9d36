// SPDX-License-Identifier: Apache-2.0
//
// One of the five web applications that sessions_test.go knows.
//
//   node app.js HOST PORT       with sessions.js of docs/sessions.md beside it
const express = require('express')
const sessions = require('./sessions.js')

const app = express()
app.get('/', (_, res) => res.send('ready'))
app.use(sessions)

app.get('/login', (req, res, next) => {
  req.session.regenerate((err) => {
    if (err) return next(err)
    req.session.user = req.query.user
    req.session.count = 0
    res.send('hello ' + req.query.user)
  })
})

app.get('/count', (req, res) => {
  if (!req.session.user) return res.sendStatus(401)
  req.session.count++
  res.send(`${req.session.user} ${req.session.count}`)
})

app.get('/logout', (req, res, next) => {
  req.session.destroy((err) => (err ? next(err) : res.send('bye')))
})

app.listen(Number(process.argv[3]), process.argv[2])
