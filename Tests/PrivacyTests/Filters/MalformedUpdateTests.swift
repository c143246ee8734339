import Federation
import Foundation
import Privacy
import Testing

/// Encoded updates that no site of ours sends are refused when the server takes them, before their values are read.
@Suite struct MalformedUpdateTests {
    private let update = normalUpdate(["a": [40], "b": [6, 10]], deviation: 1)

    private func refuses(
        _ filter: some UpdateFilter, _ tensors: Weights, _ fact: String, _ comment: String = ""
    ) async {
        do {
            _ = try await filter.atServer(update.with(tensors), siteA)
            Issue.record("passed: \(fact) \(comment)")
        } catch PrivacyError.refused(let text) {
            #expect(text.contains(fact), "\(text) \(comment)")
        } catch { Issue.record("\(error)") }
    }

    private func sparse(_ fraction: Double, _ values: TopK.Settings.Values = .float32) throws -> TopK {
        var settings = TopK.Settings()
        (settings.fraction, settings.values, settings.feedsBack) = (fraction, values, false)
        return try TopK(settings)
    }

    private func changed(_ weights: Weights, _ name: String, _ change: (inout [UInt8]) -> Void) -> Weights {
        var weights = weights
        var bytes = Array(weights[name]!.bytes)
        change(&bytes)
        weights.set(byteTensor(name, bytes))
        return weights
    }

    private func layout(_ weights: Weights, of filter: String, _ old: String, _ new: String) throws -> Weights {
        let text = String(decoding: try #require(weights["~\(filter).layout"]).bytes, as: UTF8.self)
        try #require(text.contains(old), "\(text)")
        return changed(weights, "~\(filter).layout") { $0 = Array(text.replacingOccurrences(of: old, with: new).utf8) }
    }

    @Test func placesOfBitmaps() async throws {
        let filter = try sparse(0.5)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        #expect(sent["~top-k.places"]?.bytes.count == 13)  // 100 bits
        await refuses(filter, changed(sent, "~top-k.places") { $0.append(0) }, "ascending order")
        await refuses(filter, changed(sent, "~top-k.places") { $0.removeLast() }, "ascending order")
        await refuses(filter, changed(sent, "~top-k.places") { $0[0] ^= 1 }, "ascending order", "count")
        // The right count, with one beyond the last value.
        await refuses(
            filter,
            changed(sent, "~top-k.places") { bytes in
                let index = bytes.firstIndex { $0 != 0 }!
                bytes[index] &= bytes[index] - 1
                bytes[12] |= 1 << 5
            }, "ascending order")
    }

    @Test func placesOfGaps() async throws {
        let filter = try sparse(0.05)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        #expect(sent["~top-k.places"]?.bytes.count == 5)
        await refuses(filter, changed(sent, "~top-k.places") { $0[0] = 99 }, "ascending order", "out of range")
        await refuses(filter, changed(sent, "~top-k.places") { $0[4] |= 128 }, "ascending order", "cut short")
        await refuses(filter, changed(sent, "~top-k.places") { $0.append(0) }, "ascending order", "too many")
        await refuses(
            filter,
            changed(sent, "~top-k.places") { $0.replaceSubrange(0..<1, with: [255, 255, 255, 255, 255, 255, 1]) },
            "ascending order", "a gap without end")
        var fewer = sent
        fewer.set(Weights.Tensor("~top-k.values", [1, 2], shape: [2]))
        await refuses(filter, fewer, "ascending order")
    }

    @Test func layoutsThatClaimTooMuch() async throws {
        let filter = try sparse(0.05)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        for shape in ["[4611686018427387904,16]", "[1099511627776]", "[-40]", "[]", "[1.5]", "[\"40\"]"] {
            await refuses(filter, try layout(sent, of: "top-k", "[40]", shape), "layout", shape)
        }
        await refuses(filter, try layout(sent, of: "top-k", "\"a\"", "\"b\""), "twice")
        await refuses(filter, try layout(sent, of: "top-k", "\"gaps\"", "\"bitmap\""), "ascending order")
        await refuses(filter, try layout(sent, of: "top-k", "\"gaps\"", "\"other\""), "layout")
        await refuses(filter, changed(sent, "~top-k.layout") { $0.removeLast(3) }, "layout")
        // Claims of a size that no message has room for are no matter until the update is checked against the plan.
        let large = try layout(sent, of: "top-k", "[6,10]", "[6,10000000000]")
        let decoded = try await filter.atServer(update.with(large), siteA)
        #expect(decoded.tensors.descriptions.contains { $0.shape == [6, 10_000_000_000] })
    }

    @Test func scales() async throws {
        let filter = try sparse(0.05, .float16)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        let text = String(decoding: sent["~top-k.layout"]!.bytes, as: UTF8.self)
        let scale = try #require(text.firstMatch(of: /"scale":([^,}]*)/)).output.0
        for other in ["0", "-1", "1e39", "1e-46", "3", "null"] {
            await refuses(
                filter, try layout(sent, of: "top-k", String(scale), "\"scale\":\(other)"), "s", "scale \(other)")
        }
        var settings = Quantise.Settings()
        settings.feedsBack = false
        let quantise = Quantise(settings)
        let codes = try await quantise.atSite(update, siteA).tensors.weights()
        let scales = try #require(
            String(decoding: codes["~quantise.layout"]!.bytes, as: UTF8.self).firstMatch(of: /"scales":\[[^\]]*\]/)
        ).output
        for other in ["[1]", "[1,1,1]", "[1,0]", "[1,-1]", "[1,1e35]", "[1,1e39]", "[1,null]"] {
            await refuses(
                quantise, try layout(codes, of: "quantise", String(scales), "\"scales\":\(other)"), "s",
                "scales \(other)")
        }
    }

    @Test func codesOfAnotherLength() async throws {
        var settings = Quantise.Settings()
        settings.feedsBack = false
        let filter = Quantise(settings)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        await refuses(filter, changed(sent, "~quantise.values") { $0.removeLast() }, "199 bytes")
        await refuses(filter, changed(sent, "~quantise.values") { $0 += [0, 0] }, "202 bytes")
        await refuses(filter, try layout(sent, of: "quantise", "\"bits\":16", "\"bits\":8"), "100")
        await refuses(filter, try layout(sent, of: "quantise", "\"bits\":16", "\"bits\":32"), "layout")
        await refuses(filter, try layout(sent, of: "quantise", "[6,10]", "[6,10000000000]"), "200 bytes")
    }

    @Test func partsThatAreMissingOrTooMany() async throws {
        let filter = try sparse(0.05)
        let sent = try await filter.atSite(update, siteA).tensors.weights()
        for name in ["~top-k.layout", "~top-k.values", "~top-k.places"] {
            await refuses(filter, sent.keeping { $0 != name }, name)
        }
        var more = sent
        more.set(byteTensor("~top-k.more", [1]))
        await refuses(filter, more, "nobody asked for")
        more = sent
        more.set(Weights.Tensor("a", [1], shape: [1]))
        await refuses(filter, more, "encoded and as it is")
        await refuses(filter, try update.tensors.weights(), "~top-k.layout is not there")
    }
}
