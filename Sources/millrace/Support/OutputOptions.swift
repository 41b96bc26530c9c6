import ArgumentParser

/// How facts are printed.
struct OutputOptions: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON: one object, or one object a line for lists.")
    var isJSON = false
}
