// Placeholder so that the package resolves; the target's first file replaces it.
