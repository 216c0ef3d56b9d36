// SPDX-License-Identifier: Apache-2.0

// Package discover turns announcements, static lists and DNS answers into
// members; it announces us and says goodbye.
package discover
