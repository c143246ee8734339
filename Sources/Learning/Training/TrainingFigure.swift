import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `progress.png`: losses and pseudo Dice, the time of each epoch, the learning rate.
public enum TrainingFigure {
    public static func write(_ history: TrainingHistory, to url: URL) throws {
        let (width, height) = (1200.0, 430.0)
        var canvas = Canvas(width: Int(width), height: Int(3 * height))
        let (blue, red, green) = (Color(0x0072B2), Color(0xD55E00), Color(0x009E73))
        let panels = [
            LinePlot(
                title: "Loss and pseudo Dice", xLabel: "epoch", leftLabel: "loss", rightLabel: "pseudo Dice",
                series: [
                    .init("training loss", history.trainingLosses, blue),
                    .init("validation loss", history.validationLosses, red),
                    .init("pseudo Dice", history.meanForegroundDice, green, axis: .right, isDashed: true, width: 1.5),
                    .init("pseudo Dice, moving average", history.movingAverageDice, green, axis: .right),
                ], rightBounds: 0...1),
            LinePlot(
                title: "Epoch duration", xLabel: "epoch", leftLabel: "seconds",
                series: [.init("epoch duration", zip(history.ends, history.starts).map { $0 - $1 }, blue)],
                leftBounds: 0...1),
            LinePlot(
                title: "Learning rate", xLabel: "epoch", leftLabel: "learning rate",
                series: [.init("learning rate", history.learningRates, blue)], leftBounds: 0...1e-9),
        ]
        for (index, panel) in panels.enumerated() {
            panel.draw(
                on: &canvas, in: Rectangle(x: 10, y: Double(index) * height + 8, width: width - 20, height: height - 12)
            )
        }
        try canvas.write(to: url)
    }
}
