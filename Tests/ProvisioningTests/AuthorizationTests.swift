import Foundation
import Testing

import Provisioning

@Suite("Authorization") struct AuthorizationTests {
    static func person(
        _ role: Role?, _ organisation: String = "clinic", name: String = "ada", kind: Participant.Kind = .administrator
    )
        -> Participant
    {
        Participant(
            name: name, organisation: organisation, kind: kind, role: role, serial: "01", notBefore: .distantPast,
            notAfter: .distantFuture)
    }

    /// FLARE's table: what a role may do with its own run, at its own site, and with those of others.
    @Test(arguments: [
        (Role.projectAdministrator, Right.submitJob, true, true), (.projectAdministrator, .abortJob, true, true),
        (.projectAdministrator, .byoc, true, true), (.organisationAdministrator, .submitJob, false, false),
        (.organisationAdministrator, .abortJob, true, false), (.organisationAdministrator, .shutdown, true, false),
        (.organisationAdministrator, .byoc, false, false), (.organisationAdministrator, .customDatalist, true, false),
        (.lead, .submitJob, true, true), (.lead, .cloneJob, true, false), (.lead, .download, true, false),
        (.lead, .cat, true, false), (.lead, .customDatalist, false, false), (.lead, .listJobs, true, true),
        (.member, .checkStatus, true, true), (.member, .submitJob, false, false), (.member, .download, false, false),
    ])
    func theDefaultPolicy(role: Role, right: Right, own: Bool, others: Bool) {
        let caller = Self.person(role)
        let mine = AuthorizationTarget(siteOrganisation: "Clinic", submitter: "Ada", submitterOrganisation: "clinic")
        let theirs = AuthorizationTarget(siteOrganisation: "uni", submitter: "bob", submitterOrganisation: "uni")
        #expect(Authorization.standard.allows(right, caller, mine) == own)
        #expect(Authorization.standard.allows(right, caller, theirs) == others)
    }

    @Test func itFailsClosed() throws {
        let policy = Authorization.standard
        // Sites and servers hold no role, whatever is claimed for them.
        #expect(!policy.allows(.listJobs, Self.person(nil, kind: .site)))
        #expect(!policy.allows(.listJobs, Self.person(.projectAdministrator, kind: .site)))
        #expect(!policy.allows(.listJobs, Self.person(nil)))
        // A run of which nobody knows the submitter is nobody's.
        #expect(!policy.allows(.abortJob, Self.person(.lead)))
        #expect(!Authorization(permissions: [:]).allows(.listJobs, Self.person(.projectAdministrator)))
        var limited = policy
        limited.rolesOfOrganisations = ["clinic": [.member]]
        #expect(
            !limited.allows(.submitJob, Self.person(.lead)) && limited.allows(.submitJob, Self.person(.lead, "uni")))
        // A block whose condition is not known blocks.
        let rule = try #require(AuthorizationRule(["not o:submitter", "any"]))
        #expect(!rule.allows(Self.person(.lead), AuthorizationTarget()))
    }

    @Test func theGrammar() throws {
        let policy = try Authorization(
            json: """
                {"format_version": "1.0", "permissions": {
                  "project_admin": "any",
                  "org_admin": {"manage_job": ["not n:bob", "o:submitter"], "abort_job": "none", "view": ["not org:uni"]},
                  "lead": {"submit_job": "Name:Ada", "operate": ["all"]}}}
                """)
        #expect(policy.allows(.byoc, Self.person(.projectAdministrator)))
        let target = AuthorizationTarget(submitterOrganisation: "clinic")
        #expect(policy.allows(.deleteJob, Self.person(.organisationAdministrator), target))
        #expect(!policy.allows(.deleteJob, Self.person(.organisationAdministrator, name: "BOB"), target))
        // A right of its own goes before its category.
        #expect(!policy.allows(.abortJob, Self.person(.organisationAdministrator), target))
        // Blocks alone allow everything else.
        #expect(policy.allows(.listJobs, Self.person(.organisationAdministrator)))
        #expect(!policy.allows(.listJobs, Self.person(.organisationAdministrator, "UNI")))
        #expect(
            policy.allows(.submitJob, Self.person(.lead)) && !policy.allows(.submitJob, Self.person(.lead, name: "eve"))
        )
        #expect(policy.allows(.shutdown, Self.person(.lead)))
        #expect(!policy.allows(.listJobs, Self.person(.member)))
    }

    @Test(arguments: [
        #"{"permissions": {"super": "any"}}"#, #"{"permissions": {"lead": {"submit": "any"}}}"#,
        #"{"permissions": {"lead": {"submit_job": "everyone"}}}"#, #"{"permissions": {"lead": {"submit_job": []}}}"#,
        #"{"permissions": {"lead": {"submit_job": ["any", {}]}}}"#, #"{"permisions": {}}"#,
        #"{"format_version": "2.0", "permissions": {}}"#, "[]", "", #"{"roles_by_org": {"a": ["boss"]}}"#,
    ])
    func aPolicyThatIsNotUnderstoodIsRefused(json: String) {
        #expect(throws: ProvisioningError.self) { try Authorization(json: json) }
    }

    @Test func itIsWrittenAsItIsRead() throws {
        var policy = Authorization.standard
        policy.rolesOfOrganisations = ["clinic": [.lead, .member]]
        #expect(try Authorization(json: policy.json) == policy)
        let everything = try Authorization(json: #"{"permissions": {"lead": "any"}}"#)
        let again = try Authorization(json: everything.json)
        for right in Right.allCases { #expect(again.allows(right, Self.person(.lead))) }
    }
}
