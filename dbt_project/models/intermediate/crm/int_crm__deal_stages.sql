{{ union_crms('deal_stages') }}
