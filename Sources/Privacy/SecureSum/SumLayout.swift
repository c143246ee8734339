import Federation

/// Which of a plan's tensors are summed among the same sites, and where each lies in the sum.
struct SumLayout: Sendable {
    /// One for every set of sites.
    private(set) var circles: [SumCircle] = []
    /// The plan's shares of each circle, in the order of the plan.
    private(set) var shares: [[SharingPlan.Share]] = []

    /// - Parameter sites: those that take part; what none of them shares is left out.
    init(_ plan: SharingPlan, sites: [String]) {
        var places: [[String]: Int] = [:]
        for share in plan.shares {
            let members = sites.filter { share.members[$0] != nil }.sorted()
            guard !members.isEmpty else { continue }
            let place = places[members] ?? circles.count
            if place == circles.count {
                places[members] = place
                circles.append(SumCircle(members: members, count: 0))
                shares.append([])
            }
            circles[place].count += share.tensor.count
            shares[place].append(share)
        }
    }

    /// A site's tensors of every circle, under its own names, in the order in which they are summed.
    func tensors(of site: String) -> [[TensorDescription]] {
        shares.map { circle in
            circle.compactMap { share in
                share.members[site].map {
                    TensorDescription(name: $0, shape: share.tensor.shape, type: share.tensor.type)
                }
            }
        }
    }

    /// - Throws: `PrivacyError.refused` where a tensor is shared by so few that a sum does not hide it.
    func requireEnough(_ settings: SecureSumSettings) throws {
        for (circle, shares) in zip(circles, shares) where circle.members.count < settings.fewestSites {
            throw PrivacyError.refused(
                "\(shares[0].tensor.name) is shared by \(circle.members.joined(separator: " and ")) only, and a secure sum hides among "
                    + "\(settings.fewestSites) sites or more. Keep it local, or share what all sites have.")
        }
    }
}
