#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Image, reference and prediction side by side, a row for each case: the slice with the most foreground.
public struct OverlayFigure: Sendable {
    /// One row.
    public struct Row: Sendable {
        public var title: String
        /// Beneath the title, such as the Dice.
        public var note: String
        /// Shape (z, y, x).
        public var image: Volume<Float>
        /// On the image's grid; either may be missing.
        public var truth: Volume<UInt16>?
        public var prediction: Volume<UInt16>?
        /// Millimetres along (z, y, x).
        public var spacing: [Double]
        /// Which axes run the other way than a viewer shows them (towards the right and the front), so that they are turned.
        public var flipped: [Bool]

        public init(
            title: String, note: String = "", image: Volume<Float>, truth: Volume<UInt16>? = nil,
            prediction: Volume<UInt16>? = nil, spacing: [Double] = [1, 1, 1], flipped: [Bool] = [false, false, false]
        ) {
            self.title = title
            self.note = note
            self.image = image
            self.truth = truth
            self.prediction = prediction
            self.spacing = spacing
            self.flipped = flipped
        }
    }

    public var title: String
    public var rows: [Row]
    /// Label and name, for the legend.
    public var labels: [(value: Int, name: String)]
    /// Pixels of a panel's longer side.
    public var panelSize = 300
    /// How much of a label's colour covers the image.
    public var opacity: Float = 0.4
    /// Shares of the voxels that are shown black and white.
    public var window: (low: Double, high: Double) = (0.005, 0.995)

    public init(title: String, rows: [Row], labels: [(value: Int, name: String)]) {
        self.title = title
        self.rows = rows
        self.labels = labels
    }

    /// Draws the figure.
    ///
    /// - Throws: where a row's labels do not lie on its image's grid.
    public func canvas() throws -> Canvas {
        for row in rows {
            for labels in [row.truth, row.prediction] where labels != nil && labels?.shape != row.image.shape {
                throw ImagingError.mismatch(
                    "\(row.title): the labels have a shape of \(labels?.shape ?? []), the image has \(row.image.shape)")
            }
            guard row.image.rank == 3, row.image.count > 0, row.spacing.count == 3 else {
                throw ImagingError.mismatch(
                    "\(row.title): a figure needs an image of three axes, not \(row.image.rank)")
            }
        }
        let slices = rows.map { Slice($0) }
        let panels = slices.map { $0.size(within: Double(panelSize)) }
        let hasTruth = rows.contains { $0.truth != nil }
        let hasPrediction = rows.contains { $0.prediction != nil }
        let columns = ["image"] + (hasTruth ? ["reference"] : []) + (hasPrediction ? ["prediction"] : [])
        let columnWidth = panels.map(\.width).max() ?? panelSize
        let (margin, gap, head) = (24.0, 14.0, 34.0)
        let legend = legendRows(width: Double(columns.count) * (Double(columnWidth) + gap) - gap)
        let bodyTop = margin + (title.isEmpty ? 0 : 28) + Double(legend.count) * 22 + 8
        let width = margin * 2 + Double(columns.count) * Double(columnWidth) + Double(columns.count - 1) * gap
        let height = bodyTop + panels.reduce(0) { $0 + head + Double($1.height) + gap } + margin - gap
        var canvas = Canvas(width: Int(width), height: Int(height))
        if !title.isEmpty { canvas.text(title, at: Point(margin, margin + 12), size: 12, bold: true) }
        drawLegend(legend, on: &canvas, at: Point(margin, margin + (title.isEmpty ? 10 : 40)))

        var y = bodyTop
        for (row, (slice, panel)) in zip(rows, zip(slices, panels)) {
            let window = slice.window(self.window)
            for (column, name) in columns.enumerated() {
                let x = margin + Double(column) * (Double(columnWidth) + gap)
                let caption = column == 0 ? row.title : name
                canvas.text(
                    column == 0 ? shortened(caption, width: Double(columnWidth)) : caption, at: Point(x, y + head - 10),
                    size: 9, column == 0 ? .ink : .faint)
                if column == columns.count - 1, columns.count > 1, !row.note.isEmpty {
                    canvas.text(row.note, at: Point(x + Double(columnWidth), y + head - 10), size: 9, anchor: .right)
                }
                let labels = name == "reference" ? row.truth : name == "prediction" ? row.prediction : nil
                slice.draw(
                    labels: labels, on: &canvas, x: Int(x) + (columnWidth - panel.width) / 2, y: Int(y + head),
                    panel: panel,
                    window: window, opacity: opacity)
            }
            y += head + Double(panel.height) + gap
        }
        return canvas
    }

    public func write(to url: URL) throws { try canvas().write(to: url) }

    private func shortened(_ text: String, width: Double) -> String {
        var text = text
        guard StrokeFont.width(of: text, size: 9) > width else { return text }
        while !text.isEmpty, StrokeFont.width(of: text + "..", size: 9) > width { text.removeLast() }
        return text + ".."
    }

    private func legendRows(width: Double) -> [[(value: Int, name: String)]] {
        var rows: [[(value: Int, name: String)]] = []
        var x = Double.infinity
        for label in labels where label.value > 0 {
            let needed = 20 + StrokeFont.width(of: label.name, size: 9) + 24
            if x + needed > width {
                rows.append([])
                x = 0
            }
            rows[rows.count - 1].append(label)
            x += needed
        }
        return rows
    }

    private func drawLegend(_ rows: [[(value: Int, name: String)]], on canvas: inout Canvas, at: Point) {
        for (index, row) in rows.enumerated() {
            var x = at.x
            let y = at.y + Double(index) * 22
            for label in row {
                canvas.fill(Rectangle(x: x, y: y - 2, width: 13, height: 13), .ofLabel(label.value))
                canvas.text(label.name, at: Point(x + 20, y + 9), size: 9)
                x += 20 + StrokeFont.width(of: label.name, size: 9) + 24
            }
        }
    }
}

/// The slice of a row that is shown: of the axis along which voxels lie farthest apart.
private struct Slice {
    private let row: OverlayFigure.Row
    private let axis: Int
    private let index: Int
    /// The axes that run down and to the right.
    private let (down, right): (Int, Int)

    init(_ row: OverlayFigure.Row) {
        self.row = row
        let shape = row.image.shape
        if shape.contains(1), let flat = shape.firstIndex(of: 1) {
            axis = flat
        } else {
            let largest = row.spacing.max() ?? 1
            axis = row.spacing.firstIndex { $0 > largest * 0.999 } ?? 0
        }
        (down, right) = axis == 0 ? (1, 2) : axis == 1 ? (0, 2) : (0, 1)
        let strides = row.image.strides
        let drawn = [row.truth, row.prediction].compactMap { $0 }.first { $0.elements.contains { $0 > 0 } }
        if let labels = drawn {
            var counts = [Int](repeating: 0, count: shape[axis])
            for (position, label) in labels.elements.enumerated() where label > 0 {
                counts[position / strides[axis] % shape[axis]] += 1
            }
            index = counts.indices.max { counts[$0] < counts[$1] } ?? 0
        } else {
            index = shape[axis] / 2
        }
    }

    /// The panel that shows this slice without distortion.
    func size(within limit: Double) -> (width: Int, height: Int) {
        let width = Double(row.image.shape[right]) * row.spacing[right]
        let height = Double(row.image.shape[down]) * row.spacing[down]
        let scale = limit / max(width, height)
        return (max(1, Int((width * scale).rounded())), max(1, Int((height * scale).rounded())))
    }

    /// The values that are shown black and white, from the whole image.
    func window(_ shares: (low: Double, high: Double)) -> (low: Float, high: Float) {
        let elements = row.image.elements
        let step = max(1, elements.count / 200_000)
        let sorted = stride(from: 0, to: elements.count, by: step).map { elements[$0] }.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else { return (0, 1) }
        let last = Double(sorted.count - 1)
        let (low, high) = (sorted[Int(last * shares.low)], sorted[Int(last * shares.high)])
        return high > low ? (low, high) : (low - 0.5, low + 0.5)
    }

    func draw(
        labels: Volume<UInt16>?, on canvas: inout Canvas, x left: Int, y top: Int, panel: (width: Int, height: Int),
        window: (low: Float, high: Float), opacity: Float
    ) {
        let strides = row.image.strides
        let (rows, columns) = (row.image.shape[down], row.image.shape[right])
        let base = index * strides[axis]
        func offset(_ r: Int, _ c: Int) -> Int {
            let r = row.flipped[down] ? rows - 1 - r : r
            let c = row.flipped[right] ? columns - 1 - c : c
            return base + r * strides[down] + c * strides[right]
        }
        func nearest(_ px: Int, _ py: Int) -> UInt16 {
            guard let labels else { return 0 }
            let r = min(rows - 1, max(0, py) * rows / panel.height)
            let c = min(columns - 1, max(0, px) * columns / panel.width)
            return labels.elements[offset(r, c)]
        }
        for py in 0..<panel.height where top + py < canvas.height {
            let v = max(0, min(Float(rows - 1), (Float(py) + 0.5) * Float(rows) / Float(panel.height) - 0.5))
            let (r0, fv) = (Int(v), v - Float(Int(v)))
            let r1 = min(rows - 1, r0 + 1)
            for px in 0..<panel.width where left + px < canvas.width {
                let u = max(0, min(Float(columns - 1), (Float(px) + 0.5) * Float(columns) / Float(panel.width) - 0.5))
                let (c0, fu) = (Int(u), u - Float(Int(u)))
                let c1 = min(columns - 1, c0 + 1)
                let upper = row.image.elements[offset(r0, c0)] * (1 - fu) + row.image.elements[offset(r0, c1)] * fu
                let lower = row.image.elements[offset(r1, c0)] * (1 - fu) + row.image.elements[offset(r1, c1)] * fu
                let value = upper * (1 - fv) + lower * fv
                let share = value.isFinite ? max(0, min(1, (value - window.low) / (window.high - window.low))) : 0
                let grey = UInt8(share * 255)
                var color = Color(red: grey, green: grey, blue: grey)
                if labels != nil {
                    let label = nearest(px, py)
                    let isEdge =
                        nearest(px - 1, py) != label || nearest(px + 1, py) != label || nearest(px, py - 1) != label
                        || nearest(px, py + 1) != label
                    if label > 0 { color = color.blended(with: .ofLabel(Int(label)), share: isEdge ? 0.95 : opacity) }
                }
                canvas[left + px, top + py] = color
            }
        }
    }
}
