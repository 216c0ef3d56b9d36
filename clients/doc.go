// SPDX-License-Identifier: Apache-2.0

// Package clients runs the Redis clients that applications have, unmodified,
// against two services on two hosts: what is done on one host is looked for on
// the other, and sessions outlive the host on which they began.
//
// There is nothing here but tests, and a small program per language in a
// folder of its own: php, python, node, java, go (a module of its own, so that
// who uses the library does not get its clients). The pages of sessions are
// those of docs/sessions.md, from which the tests take them word for word.
// What a machine may lack is asked for by lab.Missing, in LATERAL_REQUIRE as
// redis, php, python, npm, java, lab; the source of phpredis, whose own tests of
// sessions are run, is deb-src.
//
// LATERAL_CLIENTS=all adds what takes long: clients' own test suites, more
// flaps, the figures of benchmarks/results/clients.txt.
package clients
