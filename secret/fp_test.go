// SPDX-License-Identifier: Apache-2.0

package secret

// fingerprintOfSquares was computed by another implementation of RFC 5869 (in
// Python) for the secret whose byte i is i*i.
const fingerprintOfSquares = "4b4b77be"
