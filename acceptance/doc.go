// SPDX-License-Identifier: Apache-2.0

// Package acceptance holds the tests of the page that Lateral implements: real
// processes of the built binary, started from stock Open-Xchange files on
// hosts made of network namespaces, observed with the tools that an operator
// has. Each test names the rows of the checklist that it stands for (design:
// ox-cluster.md 5.3). They need root, iproute2 and Linux, and say so otherwise.
package acceptance
