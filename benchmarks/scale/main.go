// SPDX-License-Identifier: Apache-2.0

// Command scale measures what a mesh costs as it grows.
package main

func main() {}
