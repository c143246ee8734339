/// Something that a person may be allowed to do; FLARE's commands under FLARE's names, and one of ours.
public enum Right: String, Sendable, CaseIterable, Codable {
    case submitJob = "submit_job"
    case cloneJob = "clone_job"
    /// To send code from outside. No Cohort site runs any; the right stands in policies of FLARE's.
    case byoc
    /// To name the cases that a site trains on.
    case customDatalist = "custom_datalist"

    case abort
    case abortJob = "abort_job"
    case deleteJob = "delete_job"
    case deleteWorkspace = "delete_workspace"
    case configureJobLog = "configure_job_log"

    case checkStatus = "check_status"
    case showScopes = "show_scopes"
    case showStats = "show_stats"
    case resetErrors = "reset_errors"
    case showErrors = "show_errors"
    case listJobs = "list_jobs"
    case getJobMeta = "get_job_meta"

    case sysInfo = "sys_info"
    case reportResources = "report_resources"
    case reportEnv = "report_env"
    case restart, shutdown
    case removeClient = "remove_client"
    case disableClient = "disable_client"
    case enableClient = "enable_client"
    case setTimeout = "set_timeout"
    case call
    case configureSiteLog = "configure_site_log"

    case cat, grep, head, ls, pwd, tail

    case download

    /// Rights that are given together.
    public enum Category: String, Sendable, CaseIterable, Codable {
        case manageJob = "manage_job"
        case view, operate
        case shellCommands = "shell_commands"
        case downloadJob = "download_job"
    }

    /// nil for a right that stands alone.
    public var category: Category? {
        switch self {
        case .submitJob, .cloneJob, .byoc, .customDatalist: nil
        case .abort, .abortJob, .deleteJob, .deleteWorkspace, .configureJobLog: .manageJob
        case .checkStatus, .showScopes, .showStats, .resetErrors, .showErrors, .listJobs, .getJobMeta: .view
        case .sysInfo, .reportResources, .reportEnv, .restart, .shutdown, .removeClient, .disableClient, .enableClient,
            .setTimeout, .call, .configureSiteLog:
            .operate
        case .cat, .grep, .head, .ls, .pwd, .tail: .shellCommands
        case .download: .downloadJob
        }
    }

    /// Every name that a policy may give: rights and categories.
    static let names = allCases.map(\.rawValue) + Category.allCases.map(\.rawValue)
}
