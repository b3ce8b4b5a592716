{{ union_crms('deals') }}
