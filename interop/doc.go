// SPDX-License-Identifier: Apache-2.0

// Package interop runs Lateral together with unmodified Java nodes: JCS 1.3,
// 2.2.1 and 3.2.1 by their Maven coordinates (java/pom.xml), each in a JVM of
// its own that java/Driver.java lets tests talk to.
//
// The bytes that the rooms below are tested with come from them, too:
//
//	go test ./interop -run Goldens -remake
//
// has java/Capture.java write jcs/testdata/golden, and javaser/testdata/Golden.java
// its streams, anew; without -remake the same tests want them to be what Java
// sends, but for ids, times and ports. JCS 1.3.3.5 and 4, which are no
// artifacts, are in jcs/testdata/wire (its README says where from).
//
// Three measures are asked for by name, since they take the machine or minutes:
//
//	LATERAL_STARVED=3 go test ./interop -run Starved -v   what a JCS 3.2.1 node gives up while Lateral gets no processor
//	LATERAL_MESHING=3 go test ./interop -run Meshing -v   how long two nodes take to find each other, by pairs
//	LATERAL_DEAF=30 go test ./interop -run Deaf -v        how often a JCS 1.3 node is deaf, as it was dialled too early
//
// There is nothing here but tests. They need java, javac and mvn in PATH, and
// say so when they skip; with LATERAL_REQUIRE containing "java" the lack of
// them is a failure. JCS 4 is unreleased: it is tested from captured bytes.
package interop
