import HTTPTypes
import Hummingbird

/// Makes responses that no browser will guess about or keep.
enum Answer {
    static func make(_ status: HTTPResponse.Status, _ contentType: String, _ text: String) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = contentType
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func json(_ status: HTTPResponse.Status, _ members: [(String, JSONValue)]) -> Response {
        make(status, "application/json", JSONValue.object(members).text + "\n")
    }

    /// An error as RFC 9457 describes them.
    static func problem(_ status: HTTPResponse.Status, _ title: String, _ detail: String) -> Response {
        let body = JSONValue.object([
            ("title", .text(title)), ("status", .number(status.code)), ("detail", .text(detail)),
        ])
        return make(status, "application/problem+json", body.text + "\n")
    }

    static func unauthorized() -> Response {
        var answer = problem(.unauthorized, "unauthorized", "Send the token of http.token_file as a bearer token.")
        answer.headers[.wwwAuthenticate] = "Bearer"
        return answer
    }
}

/// JSON that keeps the order of its members.
enum JSONValue {
    case text(String)
    case flag(Bool)
    case number(Int)
    case list([JSONValue])
    case object([(String, JSONValue)])

    var text: String {
        switch self {
        case .text(let value): Self.quote(value)
        case .flag(let value): value ? "true" : "false"
        case .number(let value): String(value)
        case .list(let values): "[" + values.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quote($0.0)):\($0.1.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func quote(_ value: String) -> String {
        var result = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{0}"..."\u{1F}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
