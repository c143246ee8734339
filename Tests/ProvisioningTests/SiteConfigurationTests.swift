import Foundation
import SharedData
import Testing

import Provisioning

@Suite("Site configuration") struct SiteConfigurationTests {
    static let json = """
        {"format_version": 2,
         "client": {"name": "site_1", "server": {"target": "fl.example.org:8003", "scheme": "grpc"}, "retry_timeout": 30},
         "data": {"data_root": "/data", "dataset_config": {
            "seg": {"train_list": "/data/t.json", "val_list": "/data/v.json", "data_dir": "/data/seg"},
            "cxr": {"train_list": "/data/t.csv", "image_dir": "/data/cxr"}}},
         "resources": {"gpu_ids": [0, 2], "num_workers": 4, "memory_limit_gb": 64.5},
         "logging": {"log_level": "INFO"},
         "privacy": {"scope": "s", "policies": {"min_dataset_size": 100, "max_model_size_mb": 500,
            "allowed_tasks": ["train", "validate"], "blocked_data_fields": ["patient_id", "mrn"]}}}
        """

    @Test func itIsReadWhole() throws {
        let site = try SiteConfiguration(json: Self.json)
        #expect(site.name == "site_1" && site.server == .init(host: "fl.example.org", port: 8003))
        #expect(site.dataRoot == "/data" && site.datasets.count == 2)
        #expect(
            site.datasets["seg"]
                == .init(trainingList: "/data/t.json", validationList: "/data/v.json", folder: "/data/seg"))
        #expect(site.datasets["cxr"]?.folder == "/data/cxr")
        #expect(site.resources.gpuIDs == [0, 2] && site.resources.workers == 4 && site.resources.memoryLimit == 64.5)
        let policies = try #require(site.policies)
        #expect(policies.scope == "s" && policies.minimumDatasetSize == 100 && policies.maximumModelSize == 500)
        #expect(policies.allowedTasks == ["train", "validate"] && policies.blockedDataFields == ["patient_id", "mrn"])
        let notices = site.notices.map(\.description).joined(separator: "\n")
        #expect(site.notices.count == 4, "\(notices)")
        for words in ["data.dataset_config is ignored", "privacy.scope is ignored"] {
            #expect(notices.contains(words), "\(notices)")
        }
    }

    @Test(arguments: [
        ("site_1", "../site", "the name"), ("fl.example.org:8003", "fl.example.org", "no host:port"),
        ("[0, 2]", "[0, -1]", "no number of a GPU"), ("64.5", "0", "is not above 0"),
        ("64.5", "1e300", "at most 1000000"), ("\"max_model_size_mb\": 500", "\"max_model_size_mb\": 1e300", "above"),
        ("\"name\": \"site_1\"", "\"name\": \"site@1\"", "of a site has @ or +"),
        ("min_dataset_size", "min_dataset_sise", "did you mean min_dataset_size?"),
        ("\"min_dataset_size\": 100", "\"min_dataset_size\": -1", "below"),
        ("\"client\"", "\"customer\"", "client is missing"),
        ("\"format_version\": 2", "\"format_version\": 3", "format_version 3 is not known"),
    ])
    func whatIsWrongIsSaid(old: String, new: String, words: String) async {
        await expectFailure(words) { _ = try SiteConfiguration(json: Self.json.replacing(old, with: new)) }
    }

    @Test(.enabled(if: SharedData.url("data/flare_agent/site_configs") != nil, "needs the agent's site_configs"))
    func theAgentsThreeFiles() throws {
        let folder = try #require(SharedData.url("data/flare_agent/site_configs"))
        for site in ["hospital_a", "hospital_b"] {
            let read = try SiteConfiguration(contentsOf: folder.appending(path: "site_\(site)/local_config.json"))
            #expect(read.name == site && read.server == .init(host: "flare-server", port: 8003))
            #expect(read.dataRoot == "/data/\(site)" && read.datasets.count == 3)
            #expect(read.datasets["cxr_classification"]?.folder == "/data/\(site)/cxr/images")
            #expect(read.resources.gpuIDs == [0] && read.resources.memoryLimit == 128 && read.resources.workers == 4)
            #expect(read.policies?.minimumDatasetSize == 100 && read.policies?.maximumModelSize == 500)
            #expect(read.policies?.allowedTasks == ["train", "validate", "submit_model"])
            #expect(read.policies?.blockedDataFields == ["patient_id", "patient_name", "dob", "mrn"])
        }
        let server = try SiteConfiguration(contentsOf: folder.appending(path: "server/local_config.json"))
        #expect(server.name == "server" && server.server == nil && server.policies == nil)
    }
}
