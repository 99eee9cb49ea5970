package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// An animation is made of screenshots, as an animated GIF.
type animation struct {
	t      *testing.T
	frames []*image.RGBA
	delays []int // hundredths of a second
}

// add adds a frame: screenshots, one below the other.
func (a *animation) add(delay int, screenshots ...[]byte) {
	a.t.Helper()
	var parts []image.Image
	var size image.Point
	for _, screenshot := range screenshots {
		part, err := png.Decode(bytes.NewReader(screenshot))
		if err != nil {
			a.t.Fatal(err)
		}
		parts = append(parts, part)
		size = image.Pt(max(size.X, part.Bounds().Dx()), size.Y+part.Bounds().Dy())
	}
	frame := image.NewRGBA(image.Rectangle{Max: size})
	y := 0
	for _, part := range parts {
		draw.Draw(frame, image.Rect(0, y, size.X, size.Y), part, part.Bounds().Min, draw.Src)
		y += part.Bounds().Dy()
	}
	a.frames, a.delays = append(a.frames, frame), append(a.delays, delay)
}

// write keeps the animation in web/screenshots when the environment variable SCREENSHOTS is set.
func (a *animation) write(name string) {
	a.t.Helper()
	if os.Getenv("SCREENSHOTS") == "" {
		return
	}
	f, err := os.Create(filepath.Join("../web/screenshots", name))
	if err != nil {
		a.t.Fatal(err)
	}
	defer f.Close()
	palette := a.palette()
	whole := gif.GIF{Delay: a.delays}
	var shown *image.Paletted
	for _, frame := range a.frames {
		next := image.NewPaletted(frame.Bounds(), palette)
		nearest := make(map[color.Color]uint8)
		for y := range frame.Bounds().Dy() {
			for x := range frame.Bounds().Dx() {
				c := frame.RGBAAt(x, y)
				index, known := nearest[c]
				if !known {
					index = uint8(1 + palette[1:].Index(c))
					nearest[c] = index
				}
				next.SetColorIndex(x, y, index)
			}
		}
		whole.Image = append(whole.Image, changed(shown, next))
		whole.Disposal = append(whole.Disposal, gif.DisposalNone)
		shown = next
	}
	if err := gif.EncodeAll(f, &whole); err != nil {
		a.t.Fatal(err)
	}
}

// palette returns the transparent color and the 255 that the frames have most.
func (a *animation) palette() color.Palette {
	pixels := make(map[color.RGBA]int)
	for _, frame := range a.frames {
		for i := 0; i < len(frame.Pix); i += 4 {
			pixels[color.RGBA{frame.Pix[i], frame.Pix[i+1], frame.Pix[i+2], frame.Pix[i+3]}]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(pixels), func(a, b color.RGBA) int { return pixels[b] - pixels[a] })
	palette := color.Palette{color.RGBA{}}
	for _, c := range colors[:min(255, len(colors))] {
		palette = append(palette, c)
	}
	return palette
}

// changed returns the part of a frame that differs from what is shown, with what is the same left transparent.
func changed(shown, next *image.Paletted) *image.Paletted {
	if shown == nil {
		return next
	}
	var part image.Rectangle
	only := image.NewPaletted(next.Bounds(), next.Palette)
	for y := range next.Bounds().Dy() {
		for x := range next.Bounds().Dx() {
			if index := next.ColorIndexAt(x, y); index != shown.ColorIndexAt(x, y) {
				only.SetColorIndex(x, y, index)
				part = part.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	if part.Empty() {
		part = image.Rect(0, 0, 1, 1)
	}
	return only.SubImage(part).(*image.Paletted)
}
