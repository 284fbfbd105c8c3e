"""`tdr ci`: what a pipeline says where changes are discussed. The same verbs at every forge; without one they print."""
