import Foundation
import Imaging
import Testing

@Suite("Figures")
struct DrawingTests {
    @Test func ticksAreRoundAndEncloseTheRange() {
        #expect(LinePlot.ticks(over: 0...1, count: 5) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
        let ticks = LinePlot.ticks(over: -0.73...0.41, count: 4)
        #expect(ticks.first! <= -0.73 && ticks.last! >= 0.41)
        // A constant line still has an axis.
        #expect(LinePlot.ticks(over: 3...3, count: 4).count >= 2)
        #expect(LinePlot.label(0.005, step: 0.001) == "0.005")
        #expect(LinePlot.label(-0.2, step: 0.2) == "-0.2")
        #expect(LinePlot.label(2e-5, step: 1e-5) == "2e-5")
        #expect(LinePlot.decimal(0.99996, 4) == "1.0000")
    }

    @Test func shapesStayInsideTheCanvas() {
        var canvas = Canvas(width: 20, height: 10)
        canvas.fill(Rectangle(x: -5, y: -5, width: 10, height: 10), Color(0xFF0000))
        canvas.fill(Rectangle(x: 30, y: 30, width: 10, height: 10), .black)
        canvas.line([Point(-10, 5), Point(40, 5)], .black, width: 2)
        canvas.line([Point(.nan, 5), Point(4, 5)], .black)
        canvas.text("outside", at: Point(15, 2))
        #expect(canvas[0, 0] == Color(0xFF0000))
        #expect(canvas[19, 4] == .black && canvas[19, 5] == .black)
        #expect(canvas[10, 9] == .white)
    }

    @Test func everyPrintableCharacterLeavesInk() {
        for code in UInt8(33)..<127 {
            var canvas = Canvas(width: 24, height: 24)
            canvas.text(String(UnicodeScalar(code)), at: Point(6, 18), size: 10, .black)
            #expect(canvas.pixels.contains { $0 < 170 }, "\(UnicodeScalar(code))")
        }
    }

    /// A bright square in slice 2 whose reference is label 1: the figure shows that slice in that label's colour.
    @Test func overlayShowsTheSliceWithMostForeground() throws {
        var image = Volume<Float>(shape: [4, 8, 8], repeating: 0)
        var truth = Volume<UInt16>(shape: [4, 8, 8], repeating: 0)
        for y in 2..<6 {
            for x in 2..<6 {
                image[[2, y, x]] = 100
                truth[[2, y, x]] = 1
            }
        }
        let empty = Volume<UInt16>(shape: [4, 8, 8], repeating: 0)
        var figure = OverlayFigure(
            title: "", rows: [OverlayFigure.Row(title: "a", image: image, truth: truth, prediction: empty)],
            labels: [(1, "one")])
        figure.panelSize = 80
        let canvas = try figure.canvas()
        let colors = Set(stride(from: 0, to: canvas.pixels.count, by: 3).map { Array(canvas.pixels[$0..<$0 + 3]) })
        #expect(colors.contains([0, 0, 0]))
        #expect(colors.contains([0xE6, 0x9F, 0x00]))
        let wrong = Volume<UInt16>(shape: [1, 8, 8], repeating: 0)
        let bad = OverlayFigure(
            title: "", rows: [OverlayFigure.Row(title: "a", image: image, truth: wrong)], labels: [])
        #expect(throws: ImagingError.self) { try bad.canvas() }
    }

    @Test func figuresAreWrittenAsPNG() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "cohort-figure-\(UUID().uuidString).png")
        defer { try? FileManager.default.removeItem(at: file) }
        var canvas = Canvas(width: 7, height: 5)
        canvas[3, 2] = Color(0x123456)
        try canvas.write(to: file)
        let back = try StoredImage.read(file)
        #expect(back.size == [7, 5] && back.components == 3)
        #expect(Array(back.values[(2 * 7 + 3) * 3..<(2 * 7 + 3) * 3 + 3]) == [0x12, 0x34, 0x56])
    }
}
