{{ union_crms('activity_links') }}
