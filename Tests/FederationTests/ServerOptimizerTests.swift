import Federation
import FederationTesting
import Testing

@Suite struct ServerOptimizerTests {
    /// Two steps by the formulas of Reddi et al., number by number.
    @Test func stepsFollowTheFormulas() throws {
        let optimizers: [ServerOptimizer] = [
            .momentum(learningRate: 0.7, momentum: 0.8), .adam(learningRate: 0.1, beta1: 0.9, beta2: 0.99, tau: 1e-3),
            .yogi(learningRate: 0.05, beta1: 0.9, beta2: 0.95, tau: 1e-2),
            .adagrad(learningRate: 0.1, beta1: 0.5, tau: 1e-3),
        ]
        for optimizer in optimizers {
            var state = ServerOptimizer.State()
            var x: [Double] = [0.5, -1, 2]
            var m: [Double] = [0, 0, 0]
            var v: [Double]?
            var global = Weights([Weights.Tensor("w", x.map { Float($0) }, shape: [3])])
            for step in 0..<3 {
                let aggregated: [Double] = [0.25 * Double(step), 1, 2.5 - Double(step)]
                let next = try optimizer.step(
                    global, towards: Weights([Weights.Tensor("w", aggregated.map { Float($0) }, shape: [3])]),
                    state: &state)
                for i in 0..<3 {
                    let d = aggregated[i] - x[i]
                    func adaptive(_ lr: Double, _ b1: Double, _ tau: Double, _ grow: (Double) -> Double) {
                        if v == nil { v = [tau * tau, tau * tau, tau * tau] }
                        m[i] = b1 * m[i] + (1 - b1) * d
                        v![i] = grow(v![i])
                        x[i] += lr * m[i] / (v![i].squareRoot() + tau)
                    }
                    switch optimizer {
                    case .replace: break
                    case .momentum(let lr, let beta):
                        m[i] = beta * m[i] + d
                        x[i] += lr * m[i]
                    case .adam(let lr, let b1, let b2, let tau):
                        adaptive(lr, b1, tau) { b2 * $0 + (1 - b2) * d * d }
                    case .yogi(let lr, let b1, let b2, let tau):
                        adaptive(lr, b1, tau) { $0 - (1 - b2) * d * d * ($0 - d * d > 0 ? 1 : -1) }
                    case .adagrad(let lr, let b1, let tau): adaptive(lr, b1, tau) { $0 + d * d }
                    }
                    #expect(abs(Double(next["w"]!.floats![i]) - x[i]) < 1e-5, "\(optimizer), step \(step)")
                }
                global = next
            }
        }
    }

    @Test func withoutOneTheAggregateIsTheModel() throws {
        var state = ServerOptimizer.State()
        let (a, b) = (Weights([tensor("w", [9], seed: 1)]), Weights([tensor("w", [9], seed: 2)]))
        #expect(try ServerOptimizer.replace.step(a, towards: b, state: &state) == b)
        #expect(state == ServerOptimizer.State())
    }
}
