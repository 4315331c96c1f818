"""The page on what each rule means (docs/rules-of-outputs.md): its words, its worked examples, and that they are so."""
