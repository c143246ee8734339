/// Which part of the network the sites of a federation learn together.
public enum SharingMode: String, Sendable, CaseIterable {
    /// All of it: channels and labels mean the same everywhere.
    case everything
    /// All but the input layers and the heads, which stay at each site.
    case backbone
}
