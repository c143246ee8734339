/// Which objects a message is made of: each with its children, as their heads name them.
public struct ObjectTree: Sendable, Equatable {
    public let root: ObjectID
    /// Every object once, children before those who name them.
    public let ids: [ObjectID]
    private let childrenByID: [ObjectID: [ObjectID]]

    static let mostObjects = 100_000

    /// - Parameter objects: children before those who name them; the last one is the root.
    init(_ objects: [(id: ObjectID, children: [ObjectID])]) {
        var (ids, children) = ([ObjectID](), [ObjectID: [ObjectID]]())
        for object in objects where children[object.id] == nil {
            ids.append(object.id)
            children[object.id] = object.children
        }
        precondition(!ids.isEmpty, "a tree has a root")
        (self.ids, childrenByID, root) = (ids, children, objects.last!.id)
    }

    /// Whether the id is of this tree.
    public func contains(_ id: ObjectID) -> Bool { childrenByID[id] != nil }

    /// The children of an object of this tree.
    public func children(of id: ObjectID) -> [ObjectID] { childrenByID[id] ?? [] }

    /// This tree's objects and a new root over them.
    func under(_ root: ObjectID) -> ObjectTree {
        ObjectTree(ids.map { ($0, children(of: $0)) } + [(root, [self.root])])
    }
}

extension ObjectTree {
    /// - Throws: `FleetError.malformed` where an id is none, an object has different children in two places, or there
    ///   are too many.
    init(_ message: Flwr_Proto_ObjectTree) throws {
        var objects: [(id: ObjectID, children: [ObjectID])] = []
        var children: [ObjectID: [ObjectID]] = [:]
        func visit(_ node: Flwr_Proto_ObjectTree, depth: Int) throws {
            // Message, record dict, record, array, chunk.
            guard depth <= 5 else { throw FleetError.malformed("a tree of objects is deeper than 5") }
            guard let id = ObjectID(node.objectID) else {
                throw FleetError.malformed("a tree names an object by no id")
            }
            for child in node.children { try visit(child, depth: depth + 1) }
            let named = node.children.map { ObjectID($0.objectID)! }
            if let before = children[id] {
                guard before == named else {
                    throw FleetError.malformed("a tree gives object \(id) different children in two places")
                }
                return
            }
            guard objects.count < Self.mostObjects else {
                throw FleetError.malformed("a tree has more than \(Self.mostObjects) objects")
            }
            children[id] = named
            objects.append((id, named))
        }
        try visit(message, depth: 1)
        self.init(objects)
    }

    var message: Flwr_Proto_ObjectTree {
        func node(_ id: ObjectID) -> Flwr_Proto_ObjectTree {
            var message = Flwr_Proto_ObjectTree()
            message.objectID = id.description
            message.children = children(of: id).map { node($0) }
            return message
        }
        return node(root)
    }
}
