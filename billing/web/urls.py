"""What a workspace spends, under `/settings/usage/`."""

from __future__ import annotations

from django.urls import path

from billing.web import channels, invoices, usage

urlpatterns = [
    path("settings/usage/", usage.index, name="usage"),
    path("settings/usage/alerts/add/", channels.add, name="alert_channel_add"),
    path("settings/usage/alerts/<int:channel_id>/remove/", channels.remove, name="alert_channel_remove"),
    path("settings/invoices/<str:number>/", invoices.show, name="invoice"),
    path("settings/invoices/<str:number>/usage.csv", invoices.as_csv, name="invoice_csv"),
]
