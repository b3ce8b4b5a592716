{{ unnest_failed_casts('odoo', ['leads', 'messages', 'tracking_values', 'meetings', 'activities', 'stages', 'users']) }}
