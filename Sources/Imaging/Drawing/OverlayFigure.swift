/// Image, truth and prediction side by side, a row per case, on the slice that shows most.
public struct OverlayFigure: Sendable {
    public struct Row: Sendable {
        public var name: String
        /// (z, y, x)
        public var image: Volume<Float>
        public var truth: Volume<UInt16>?
        public var prediction: Volume<UInt16>
        /// Along (z, y, x).
        public var spacing: [Double]
        public var caption: String

        public init(
            name: String, image: Volume<Float>, truth: Volume<UInt16>?, prediction: Volume<UInt16>, spacing: [Double],
            caption: String = ""
        ) {
            self.name = name
            self.image = image
            self.truth = truth
            self.prediction = prediction
            self.spacing = spacing
            self.caption = caption
        }
    }

    public var title: String
    public var rows: [Row]
    /// Names of the labels from 1 on.
    public var labelNames: [String]
    /// Pixels of a panel.
    public var panel = 300
    /// How strongly labels cover the image.
    public var opacity = 0.55

    public init(title: String, rows: [Row], labelNames: [String]) {
        self.title = title
        self.rows = rows
        self.labelNames = labelNames
    }

    public func drawn() -> Canvas {
        let columns = rows.contains { $0.truth != nil } ? ["image", "truth", "prediction"] : ["image", "prediction"]
        let gap = 16
        let header = 76
        let rowHeight = panel + 40
        let width = max(columns.count * (panel + gap) + gap, 480)
        var canvas = Canvas(width: width, height: header + rows.count * rowHeight + 56)
        canvas.text(title, gap, 14, scale: 3)
        for (column, name) in columns.enumerated() { canvas.text(name, gap + column * (panel + gap), 52, .grey) }
        for (index, row) in rows.enumerated() {
            let y = header + index * rowHeight
            let slice = bestSlice(row)
            for (column, name) in columns.enumerated() {
                let labels = name == "truth" ? row.truth : name == "prediction" ? row.prediction : nil
                draw(row, slice: slice, labels: labels, on: &canvas, x: gap + column * (panel + gap), y: y)
            }
            canvas.text(
                "\(row.name), slice \(slice)" + (row.caption.isEmpty ? "" : ": \(row.caption)"), gap, y + panel + 8,
                .black)
        }
        var x = gap
        let y = header + rows.count * rowHeight + 14
        for (index, name) in labelNames.enumerated() {
            canvas.fill(x, y, 14, 14, .label(index + 1))
            canvas.text(name, x + 20, y, .black)
            x += Canvas.size(of: name).width + 48
        }
        return canvas
    }

    private func bestSlice(_ row: Row) -> Int {
        let labels = row.truth ?? row.prediction
        let plane = labels.shape[1] * labels.shape[2]
        let counts = (0..<labels.shape[0]).map { z in labels.elements[z * plane..<(z + 1) * plane].count { $0 > 0 } }
        let most = counts.max() ?? 0
        return most > 0 ? counts.firstIndex(of: most)! : labels.shape[0] / 2
    }

    private func draw(_ row: Row, slice: Int, labels: Volume<UInt16>?, on canvas: inout Canvas, x: Int, y: Int) {
        let (height, width) = (row.image.shape[1], row.image.shape[2])
        let plane = Array(row.image.elements[slice * height * width..<(slice + 1) * height * width])
        let sorted = plane.sorted()
        let (low, high) = (sorted[sorted.count / 100], sorted[sorted.count - 1 - sorted.count / 200])
        // The image keeps its proportions in millimetres.
        let size = (Double(width) * row.spacing[2], Double(height) * row.spacing[1])
        let scale = Double(panel) / max(size.0, size.1)
        let (w, h) = (max(1, Int(size.0 * scale)), max(1, Int(size.1 * scale)))
        canvas.fill(x, y, panel, panel, .black)
        let (left, top) = (x + (panel - w) / 2, y + (panel - h) / 2)
        for py in 0..<h {
            for px in 0..<w {
                let sx = (Double(px) + 0.5) / Double(w) * Double(width) - 0.5
                let sy = (Double(py) + 0.5) / Double(h) * Double(height) - 0.5
                let value = Self.interpolated(plane, width, height, sx, sy)
                let grey = UInt8(max(0, min(255, (value - low) / max(high - low, 1e-6) * 255)))
                canvas[left + px, top + py] = Color(grey, grey, grey)
                if let labels {
                    let at =
                        (slice * height + max(0, min(height - 1, Int(sy.rounded())))) * width
                        + max(0, min(width - 1, Int(sx.rounded())))
                    let label = Int(labels.elements[at])
                    if label > 0 { canvas.blend(left + px, top + py, .label(label), opacity) }
                }
            }
        }
    }

    private static func interpolated(_ plane: [Float], _ width: Int, _ height: Int, _ x: Double, _ y: Double) -> Float {
        let (cx, cy) = (max(0, min(Double(width - 1), x)), max(0, min(Double(height - 1), y)))
        let (x0, y0) = (Int(cx), Int(cy))
        let (x1, y1) = (min(x0 + 1, width - 1), min(y0 + 1, height - 1))
        let (fx, fy) = (Float(cx - Double(x0)), Float(cy - Double(y0)))
        let upper = plane[y0 * width + x0] * (1 - fx) + plane[y0 * width + x1] * fx
        let lower = plane[y1 * width + x0] * (1 - fx) + plane[y1 * width + x1] * fx
        return upper * (1 - fy) + lower * fy
    }
}
