{{ union_crms('deal_leads') }}
