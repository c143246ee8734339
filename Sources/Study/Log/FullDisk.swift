import Federation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whether an error says that there was no room on a disk, so that the same may go well later.
func isFullDisk(_ error: any Error) -> Bool {
    switch error {
    case FederationError.fullDisk: true
    case let error as CocoaError: error.code == .fileWriteOutOfSpace
    case let error as POSIXError: error.code == .ENOSPC || error.code == .EDQUOT
    default: false
    }
}
