import Imaging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `progress.png`: losses and pseudo Dice, the time of each epoch, the learning rate.
public enum TrainingFigure {
    public static func write(_ history: TrainingHistory, to url: URL) throws {
        let width = 1400
        let height = 520
        var canvas = Canvas(width: width, height: 3 * height)
        let panels = [
            LinePlot(
                title: "training", left: "loss", right: "pseudo Dice",
                series: [
                    .init("loss_tr", history.trainingLosses, Color.palette[5]),
                    .init("loss_val", history.validationLosses, Color.palette[3]),
                    .init("pseudo dice", history.meanForegroundDice, Color.palette[2], isRight: true),
                    .init("pseudo dice (mov. avg.)", history.movingAverageDice, Color.palette[0], isRight: true),
                ]),
            LinePlot(
                title: "duration", left: "seconds",
                series: [.init("epoch duration", zip(history.ends, history.starts).map { $0 - $1 }, Color.palette[5])]),
            LinePlot(
                title: "schedule", left: "learning rate",
                series: [.init("learning rate", history.learningRates, Color.palette[5])]),
        ]
        for (index, panel) in panels.enumerated() {
            panel.draw(on: &canvas, x: 0, y: index * height + 10, width: width, height: height - 20)
        }
        try canvas.write(to: url)
    }
}
