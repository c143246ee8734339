/// The texts in kits: what people read, and the scripts that start and stop.
enum KitText {
    /// `start.sh`: stays in the foreground, so that it can be a container's or a service's main process.
    static func start(_ kind: Participant.Kind, project: String) -> String {
        """
        #!/bin/sh
        # Runs the \(kind.rawValue) of \(project) in the foreground, until Ctrl-C, SIGTERM or stop.sh. Options go to cohort \(kind.rawValue).
        \(locate)
        { echo $$ > "$kit/cohort.pid"; } 2>/dev/null || true
        exec "$program" \(kind.rawValue) "$kit" "$@"

        """
    }

    /// `stop.sh`: for who started it by hand.
    static let stop = """
        #!/bin/sh
        # Stops what start.sh runs, on the same machine. A container or a service is stopped by what started it.
        kit=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
        pid=$(cat "$kit/cohort.pid" 2>/dev/null) || { echo "stop.sh: it does not run here."; exit 0; }
        case $pid in
            *[!0-9]* | "") echo "stop.sh: $kit/cohort.pid holds no number; remove it." >&2; exit 1 ;;
        esac
        if ! ps -p "$pid" -o args= 2>/dev/null | grep -qF -- "$kit"; then
            echo "stop.sh: it does not run any more."
            rm -f "$kit/cohort.pid"
            exit 0
        fi
        kill -TERM "$pid" || exit 1
        seconds=0
        while kill -0 "$pid" 2>/dev/null; do
            [ "$seconds" -lt 60 ] || { echo "stop.sh: $pid is still at work after 60 s; its round goes on." >&2; exit 1; }
            sleep 1
            seconds=$((seconds + 1))
        done
        rm -f "$kit/cohort.pid"
        echo "Stopped."

        """

    /// `fl_admin.sh`: an administrator's commands with the kit.
    static func administrator(project: String) -> String {
        """
        #!/bin/sh
        # Runs cohort as an administrator of \(project): fl_admin.sh status, fl_admin.sh submit run.yaml, …
        \(locate)
        [ $# -gt 0 ] || set -- --help
        COHORT_KIT=$kit
        export COHORT_KIT
        exec "$program" "$@"

        """
    }

    private static let locate = """
        kit=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
        program=${COHORT:-cohort}
        command -v "$program" >/dev/null || {
            echo "There is no program $program here. Put cohort on the PATH, or name it: COHORT=/path/to/cohort $0" >&2
            exit 127
        }
        """

    /// Of a startup kit.
    static func readme(_ settings: KitSettings) -> String {
        let head = """
            \(settings.project): startup kit of \(settings.name)
            \(String(repeating: "=", count: settings.project.count + settings.name.count + 17))


            """
        let tail = """

            Keep
              startup/\(settings.kind.rawValue).key is the key of \(settings.name). Whoever has it is \(settings.name): do not mail it, do
              not commit it. It may be encrypted: cohort provision protect-key startup/\(settings.kind.rawValue).key

            Check
              cohort provision verify .
              The authority's fingerprint is to be compared with the coordinator's, by telephone:
              \(settings.authorityFingerprint)

            """
        return head + body(settings) + tail
    }

    private static func body(_ settings: KitSettings) -> String {
        switch settings.kind {
        case .server:
            """
            Start     startup/start.sh         stays in the foreground: for a container, systemd or a terminal
            Stop      startup/stop.sh          or Ctrl-C
            Listens   port \(settings.server.port) for sites, port \(settings.server.administrationPort) for administrators

            startup/   certificates, keys and settings; it can be read-only
            local/     authorization.json.default says who may do what; to change it, copy it to authorization.json
                       enrolment.jsonl and revoked.jsonl are kept here by the server: make backups of them
            transfer/  for files that come and go

            Let somebody join      cohort provision invite hospital_c --org hospital-c --server .
            Keep somebody out      cohort provision revoke hospital_c --server .

            startup/intermediate.key signs new sites. The root key is not in this kit and must never be on this machine.

            """
        case .site:
            """
            Start     startup/start.sh         stays in the foreground: for a container, systemd or a terminal
            Stop      startup/stop.sh          or Ctrl-C
            Firewall  one rule: out to \(settings.server.host), port \(settings.server.port) (TCP). Nothing comes in.

            startup/   certificate, key and settings; it can be read-only
            local/     what this site decides. To change a .default or use a .sample, copy it without that ending:
                         site-policy.yaml    what this site allows, and what it forbids
                         resources.json      GPUs and memory for training
                         authorization.json  who may do what here
            transfer/  for files that come and go

            Images and labels stay here. What leaves is what site-policy.yaml allows.

            """
        case .administrator:
            """
            Commands  startup/fl_admin.sh status        what the federation does
                      startup/fl_admin.sh submit run.yaml
                      startup/fl_admin.sh --help
            Dials     \(settings.server.host), port \(settings.server.administrationPort) (TCP)
            Role      \(settings.role?.rawValue ?? "") of \(settings.organisation)

            startup/   certificate, key and settings
            transfer/  for files that are downloaded

            """
        }
    }

    /// Of a kit that was made by joining.
    static func readme(joined settings: KitSettings) -> String {
        let kind = settings.kind.rawValue
        let run =
            settings.kind == .site
            ? """
            Run       cohort site FOLDER               dials \(settings.server.host), port \(settings.server.port) (TCP); nothing comes in
            Decide    site-policy.yaml.sample shows what this site can forbid: copy it to site-policy.yaml and change it

            """
            : """
            Run       COHORT_KIT=FOLDER cohort status  dials \(settings.server.host), port \(settings.server.administrationPort) (TCP)

            """
        return """
            \(settings.project): \(settings.name) of \(settings.organisation)

            \(run)Renew     cohort join --renew FOLDER       before the certificate ends; cohort provision show FOLDER says when
            Keep      \(kind).key was made here and must not leave. It may be encrypted: cohort provision protect-key \(kind).key

            """
    }

    /// A site's policy, to be copied and changed by the site. All of it is in comments: a kit never decides for a site.
    static func sitePolicySample(_ policies: SiteConfiguration.Policies?) -> String {
        let megabytes = policies?.maximumModelSize.map { max(1, Int($0.rounded(.up))) } ?? 500
        let blocked = policies?.blockedDataFields ?? []
        let fields = blocked.isEmpty ? ["patient_id", "patient_name", "dob"] : blocked
        return """
            # What this site allows. Copy this file to site-policy.yaml, take away the # where you decide, and change it.
            # Who runs the site writes it; nothing that comes from the server changes it. cohort doctor reads it.

            # What runs may ask for: prepare (fingerprint, preprocessing), train, validate, and send-model, this site's own model
            # for the other sites to judge.
            # work: [\((policies ?? .init()).work.joined(separator: ", "))]

            # Datasets that runs may use, by name.
            # datasets: [Dataset004_Hippocampus]

            # With fewer training cases the site takes no part.
            # fewest_cases: \(max(1, policies?.minimumDatasetSize ?? 10))

            # MB of the largest message, in either direction; nnU-Net's usual model has 124.
            # largest_message_mb: \(megabytes)

            # When training and validation may begin, in local time.
            # hours: ["20:00-06:00"]

            # Whether a person must let in each run.
            # approval: true

            # What leaves only with noise, and how much of that all runs together may cost; docs/differential-privacy.md. Where
            # privacy stands, what it does not allow is refused.
            # privacy: {required: record, cap: {epsilon: 20, delta: 1e-5}, plain_releases: [fingerprint, metrics]}

            # Keys of dataset.json that training does not see, and columns that no run may group cases by.
            # blocked_data_fields: [\(fields.joined(separator: ", "))]

            # No message has a place for a name, a date or a number of a patient.

            """
    }
}
