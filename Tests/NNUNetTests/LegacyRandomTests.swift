import Foundation
import NNUNet
import SharedData
import Testing

/// NumPy's legacy generator and scikit-learn's folds, against values of the originals.
@Suite(.enabled(if: SharedData.url("golden/misc_golden.json") != nil, "golden values are not here"))
struct LegacyRandomTests {
    func golden<T>(_ key: String, as: T.Type = T.self) throws -> T {
        try #require(try SharedData.json("golden/misc_golden.json")[key] as? T)
    }

    @Test func draws() throws {
        var random = LegacyRandomState(seed: 1234)
        #expect(random.sample(10, of: 100) == (try golden("RandomState1234_choice_noreplace_100_10")))
        random = LegacyRandomState(seed: 1234)
        #expect(random.draws(10, of: 1000) == (try golden("RandomState1234_choice_replace_1000_10")))
        random = LegacyRandomState(seed: 1234)
        let two: [[Int]] = try golden("two_consecutive_choice_replace_ch0_ch1_n7")
        #expect([random.draws(12, of: 7), random.draws(12, of: 7)] == two)
        random = LegacyRandomState(seed: 1234)
        #expect(
            [random.sample(5, of: 50), random.sample(5, of: 20)]
                == (try golden("class_locs_two_classes_noreplace_total50_then_20")))
    }

    @Test func folds() throws {
        let cases = (0..<13).map { "case_0\($0 < 10 ? "0" : "")\($0)" }
        #expect(try Splits(fiveFoldsOf: cases).folds.map(\.validation) == (try golden("kfold_13")))
        let ten = (0..<10).map { "\($0)" }
        let seventh = try Splits(fiveFoldsOf: ten).split(.number(7), of: ten)
        #expect(seventh.train.map { Int($0)! } == (try golden("fold7_8020_n10_train_idx")))
        #expect(Set(seventh.train + seventh.validation) == Set(ten))
    }

    @Test func roundingIsPythons() throws {
        #expect(
            Preprocessor.resampledShape(
                [432, 512, 512], from: [1, 0.7676, 0.7676],
                to: [2.4272624711896627, 1.863166672885185, 1.863166672885185])
                == (try golden("newshape_432x512x512_1,.7676")))
        #expect(
            Preprocessor.resampledShape([5, 7, 9], from: [1, 1, 1], to: [2, 2, 2])
                == (try golden("newshape_bankers_5_sp1_to_2")))
    }
}
