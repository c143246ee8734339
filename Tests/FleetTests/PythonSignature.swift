/// The headers of a call as flwr 1.41.0 signs it.
enum PythonSignature {
    /// Seconds since 1970.
    static let time = 1795252087.654321
    static let headers: [String: String] = [
        "flwr-timestamp": "2026-11-21T09:08:07.654321+00:00",
        "flwr-public-key":
            "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0KTUhZd0VBWUhLb1pJemowQ0FRWUZLNEVFQUNJRFlnQUVCb2FpU3h0Y2"
            + "RNV0RTZzJaQU1ZT0srbXlhM3VYMDB6NQpQWHBUSzhLcHNicHcxMm5rV2F3RHhaUWNJRURrVUpQNkh0bC90NFhYTUp1"
            + "MkZsT3A0cWdWaFZxMjBJMWVsRktBCi95WVRFWXJWb3ViQXk2bWJpNk9HcHdvcEdJTDdGVUVpCi0tLS0tRU5EIFBVQk"
            + "xJQyBLRVktLS0tLQo=",
        "flwr-signature":
            "MGUCMQCAi/6Tc35n4SstgRHvjQRLQ7j1nrOqyWtemmVk8MkU5R8f94sfNDJ3zE5axNUDnRQCMDkdcmzXRaS554/zoD"
            + "qByIEm5op3llRyJqgYHtAcYFKfTmmKYIwPOX2EdQ0mtgP76Q==",
    ]
}
