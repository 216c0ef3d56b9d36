// SPDX-License-Identifier: Apache-2.0

package resp

// MaxStrangersOfOne is for tests.
const MaxStrangersOfOne = maxStrangersOfOne
