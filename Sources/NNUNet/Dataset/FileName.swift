extension StringProtocol {
    /// Whether this names a file or folder in the one it is looked for in: no path that leads elsewhere.
    ///
    /// Names of datasets, plans and configurations become folders, and may come from other machines.
    public var isFileName: Bool {
        !isEmpty && self != "." && self != ".." && utf8.count <= 200 && !contains { $0 == "/" || $0 == "\0" }
    }
}
