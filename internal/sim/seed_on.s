// SPDX-License-Identifier: Apache-2.0

//go:build simseed

// A function without a body, which seedRuntime is, wants a file like this.
