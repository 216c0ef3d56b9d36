// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"image"
	colours "image/color"
	"image/draw"
	"image/png"
	"maps"
	"slices"
	"testing"
)

// small returns a picture of text and areas in 256 colours, which takes a third
// of the bytes: the most frequent ones, and before them one of each kind, so
// that a few green letters do not become grey.
func small(t *testing.T, from []byte) []byte {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(from))
	if err != nil {
		t.Fatal(err)
	}
	count := map[colours.RGBA]int{}
	for y := range m.Bounds().Dy() {
		for x := range m.Bounds().Dx() {
			count[colours.RGBAModel.Convert(m.At(x, y)).(colours.RGBA)]++
		}
	}
	often := slices.SortedFunc(maps.Keys(count), func(a, b colours.RGBA) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	var p colours.Palette
	for kinds, round := map[colours.RGBA]bool{}, 0; round < 2; round++ {
		for _, c := range often {
			kind := colours.RGBA{c.R >> 5, c.G >> 5, c.B >> 5, 0}
			if len(p) < 256 && (round == 0 && !kinds[kind] || round == 1 && !slices.Contains(p, colours.Color(c))) {
				p, kinds[kind] = append(p, c), true
			}
		}
	}
	out := image.NewPaletted(m.Bounds(), p)
	draw.Draw(out, m.Bounds(), m, image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
