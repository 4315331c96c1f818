"""The query story: text → Parsed → Known → Authorised → Guarded. What runs is only what was parsed, judged and regenerated here."""
