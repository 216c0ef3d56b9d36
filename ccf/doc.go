// SPDX-License-Identifier: Apache-2.0

// Package ccf turns cache.ccf files (Java properties, as Apache JCS and
// Open-Xchange use them) into one checked Config, with file and line for
// every complaint, and prints the reference back with defaults explained.
package ccf
