import Foundation

/// A file that holds a secret and nothing else.
public enum SecretFile {
    /// Why there is no secret to be had. Holds nothing of the file.
    public struct Problem: Error, Equatable, Sendable {
        public let message: String
    }

    /// Reads it; line ends around the secret do not belong to it.
    public static func read(_ file: String) throws(Problem) -> Secret {
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            throw Problem(message: "cannot read the file \"\(file)\"")
        }
        guard data.count <= 4096, let text = String(validating: data, as: UTF8.self) else {
            throw Problem(message: "\"\(file)\" is not a text of at most 4 KiB")
        }
        let secret = text.trimmingCharacters(in: .newlines)
        guard !secret.isEmpty else { throw Problem(message: "the file \"\(file)\" is empty") }
        return Secret(secret)
    }
}
