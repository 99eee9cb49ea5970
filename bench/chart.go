package main

import (
	"image/color"
	"math"
	"os"
	"slices"

	"example.com/sse/bench/format"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The chart has no background of its own, and its colors stand out from white and from black.
var (
	ink     = color.NRGBA{0x7d, 0x85, 0x90, 0xff}
	ours    = color.NRGBA{0x2f, 0x81, 0xf7, 0xff}
	theirs  = color.NRGBA{0x8b, 0x94, 0x9e, 0xff}
	nobodys = color.NRGBA{0x8b, 0x94, 0x9e, 0x50} // the limit's
)

const (
	panelWidth  = 13 * vg.Centimeter
	panelHeight = 6.8 * vg.Centimeter
	barWidth    = 14 * vg.Length(1)
)

// A panel is the part of the chart that shows one figure.
type panel struct {
	name, title string
	per         float64 // the figure's unit in the panel's
}

// chart writes the chart as SVG.
func (r *results) chart(name string) error {
	o := r.options
	many, few, most := format.Thousands(int64(o.clients))+" clients", format.Thousands(int64(o.few()))+" clients", format.Thousands(int64(o.most()))+" clients"
	secure := format.Thousands(int64(o.secure())) + " clients"
	const cpu, memory, less = "CPU per delivered event, µs\n", "Memory per client, KiB\n", ", less is better"
	panels := [][]panel{{
		{"many/cpu", cpu + "HTTP/1.1, " + many + less, 1},
		{"many/memory", memory + "HTTP/1.1, " + many + less, 1},
	}, {
		{"https/cpu", cpu + "HTTPS, HTTP/1.1, " + secure + less, 1},
		{"https/memory", memory + "HTTPS, HTTP/1.1, " + secure + less, 1},
	}, {
		{"https2/cpu", cpu + "HTTPS, HTTP/2, " + secure + less, 1},
		{"https2/memory", memory + "HTTPS, HTTP/2, " + secure + less, 1},
	}, {
		{"many/connect-cpu", "CPU per connect, µs\nHTTP/1.1, " + many + less, 1},
		{"many-again/connect-cpu", "CPU per reconnect, µs\nHTTP/1.1, " + many + less, 1},
	}, {
		{"topics/cpu", "CPU per addressed event, µs\nHTTP/1.1, a topic each, " + most + less, 1},
		{"topics/memory", "Memory per client and topic, KiB\nHTTP/1.1, a topic each, " + most + less, 1},
	}, {
		{"overload/rate", "Overload: millions delivered a second\nHTTP/1.1, " + few + ", more is better", 1e6},
		{"many/spread", "From the first client to the last, ms\nHTTP/1.1, " + many + less, 1},
	}}
	canvas := vgsvg.New(2*panelWidth, vg.Length(len(panels))*panelHeight)
	const pad = vg.Centimeter / 2
	tiles := draw.Tiles{Rows: len(panels), Cols: 2, PadX: pad, PadY: pad, PadTop: pad, PadBottom: pad, PadLeft: pad, PadRight: pad}
	plots := make([][]*plot.Plot, len(panels))
	for i, row := range panels {
		for _, panel := range row {
			p, err := r.panel(panel)
			if err != nil {
				return err
			}
			plots[i] = append(plots[i], p)
		}
	}
	for i, row := range plot.Align(plots, tiles, draw.New(canvas)) {
		for j, c := range row {
			plots[i][j].Draw(c)
		}
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := canvas.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// panel returns a bar for each server that has the figure, the first on top.
func (r *results) panel(panel panel) (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = panel.title
	p.Title.TextStyle.Color = ink
	p.Title.TextStyle.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans", Weight: 2}, 11)
	p.Title.Padding = vg.Points(6)
	p.HideX()
	p.X.Min = 0
	p.Y.Color, p.Y.LineStyle.Width, p.Y.Tick.Length = ink, 0, 0
	p.Y.Tick.Label.Color = ink
	p.Y.Tick.Label.Font = font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, 11)
	var names []string
	for _, s := range slices.Backward(r.servers) {
		value := r.value(s.name, panel.name) / panel.per
		if math.IsNaN(value) {
			continue
		}
		row := len(names)
		names = append(names, s.name)
		bar, err := plotter.NewBarChart(plotter.Values{value}, barWidth)
		if err != nil {
			return nil, err
		}
		bar.Horizontal, bar.XMin, bar.LineStyle.Width, bar.Color = true, float64(row), 0, theirs
		switch s.name {
		case this, app:
			bar.Color = ours
		case limit:
			bar.Color = nobodys
		}
		label, err := plotter.NewLabels(plotter.XYLabels{
			XYs:    plotter.XYs{{X: value, Y: float64(row)}},
			Labels: []string{format.Number(value)},
		})
		if err != nil {
			return nil, err
		}
		label.TextStyle[0].Color = ink
		label.TextStyle[0].Font = p.Y.Tick.Label.Font
		label.TextStyle[0].YAlign = draw.YCenter
		label.Offset = vg.Point{X: vg.Points(5)}
		p.Add(bar, label)
		p.X.Max = max(p.X.Max, 1.12*value) // room for the label
	}
	if len(names) > 0 {
		p.NominalY(names...)
	}
	return p, nil
}
