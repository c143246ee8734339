import Federation

/// What filters ask of an update before they touch it.
extension ModelUpdate {
    /// - Parameter harm: what the filter would do to whole weights.
    func requireDifference(_ filter: String, _ harm: String) throws {
        guard content == .difference else {
            throw PrivacyError.refused(
                "The filter \(filter) works on differences, and this update holds whole weights: it \(harm). Let the run "
                    + "send differences.")
        }
    }

    func requireSteps(_ filter: String) throws {
        guard steps > 0 else {
            throw PrivacyError.refused(
                "The filter \(filter) divides by an update's steps, and this one counts \(steps). Let the learner count "
                    + "its optimizer steps.")
        }
    }
}

extension Weights.Tensor {
    /// The value of a tensor without a dimension.
    var scalar: Double {
        get throws {
            switch description.type {
            case .float64: bytes.loadUnaligned(as: Double.self)
            case .float32: Double(bytes.loadUnaligned(as: Float.self))
            case .float16: Double(Float16(bitPattern: bytes.loadUnaligned(as: UInt16.self)))
            case .bfloat16: Double(Float(bitPattern: UInt32(bytes.loadUnaligned(as: UInt16.self)) << 16))
            case .int64: Double(bytes.loadUnaligned(as: Int64.self))
            case .int32: Double(bytes.loadUnaligned(as: Int32.self))
            case .uint8, .bool: Double(bytes[0])
            }
        }
    }
}
