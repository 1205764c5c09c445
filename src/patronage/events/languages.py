"""Columns of an event log as exports in other languages than English spell them.

German, French, Spanish, Portuguese, Italian and Dutch. A word that two languages read differently,
such as Italian "data" (a date), stands here only with the word that makes it clear.
"""

from collections.abc import Mapping
from typing import Final

__all__ = ["ABROAD"]

ABROAD: Final[Mapping[str, tuple[str, ...]]] = {
    "customer_id": (
        *("kundennummer", "kunden_nr", "kunden_id", "kundnr", "kdnr", "kd_nr", "kunde"),
        *("id_client", "numéro_client", "no_client", "n°_client", "code_client"),
        *(
            "id_cliente",
            "cliente_id",
            "nº_cliente",
            "número_cliente",
            "código_cliente",
            "cod_cliente",
        ),
        *("codice_cliente", "numero_cliente", "cliente", "klantnummer", "klant_id", "klantnr"),
        "klant",
    ),
    "event_time": (
        *("zeitstempel", "zeitpunkt", "bestelldatum", "kaufdatum", "rechnungsdatum"),
        *("auftragsdatum", "buchungsdatum", "belegdatum", "verkaufsdatum", "datum"),
        *("horodatage", "date_commande", "date_de_commande", "date_achat", "date_d_achat"),
        *("date_facture", "date_vente", "fecha_hora", "fecha_pedido", "fecha_de_pedido"),
        *("fecha_compra", "fecha_de_compra", "fecha_venta", "fecha_factura", "fecha"),
        *("data_pedido", "data_do_pedido", "data_compra", "data_da_compra", "data_venda"),
        *("data_ordine", "data_acquisto", "data_vendita", "data_fattura", "data_ora"),
        *("orderdatum", "besteldatum", "aankoopdatum", "factuurdatum"),
    ),
    "amount": (
        *("betrag", "gesamtbetrag", "nettobetrag", "rechnungsbetrag", "umsatz", "nettoumsatz"),
        *("bestellwert", "warenwert", "wert", "montant", "montant_total", "montant_ht"),
        *("montant_ttc", "chiffre_d_affaires", "importe", "importe_total", "monto"),
        *("monto_total", "valor_total", "valor", "importo", "importo_totale", "totale"),
        *("bedrag", "totaalbedrag", "orderbedrag", "omzet"),
    ),
    "price": (
        *("einzelpreis", "stückpreis", "preis", "prix_unitaire", "prix", "precio_unitario"),
        *("precio", "preço_unitário", "preço", "prezzo_unitario", "prezzo", "stukprijs", "prijs"),
    ),
    "quantity": (
        *("menge", "anzahl", "stückzahl", "quantité", "cantidad", "quantidade", "quantità"),
        *("aantal", "hoeveelheid"),
    ),
    "order_id": (
        *("bestellnummer", "auftragsnummer", "rechnungsnummer", "belegnummer", "bestell_nr"),
        *("numéro_commande", "no_commande", "n°_commande", "n°_de_commande", "id_commande"),
        *("commande", "numéro_facture", "n°_facture", "número_pedido", "nº_pedido", "id_pedido"),
        *("pedido", "número_factura", "nº_factura", "factura", "numero_ordine", "id_ordine"),
        *("ordine", "ordernummer", "bestelnummer", "factuurnummer"),
    ),
    "product_id": (
        *("artikelnummer", "artikel_nr", "artikel", "produkt", "produktnummer", "code_produit"),
        *("produit", "producto", "código_producto", "produto", "código_produto", "prodotto"),
        *("codice_prodotto", "productnummer"),
    ),
    "channel": ("vertriebskanal", "kanal", "canal_de_vente", "canal", "canale", "kanaal"),
    "campaign": ("kampagne", "campagne", "campaña", "campanha", "campagna"),
    "payment_method": (
        *("zahlungsart", "zahlungsweise", "zahlart", "mode_de_paiement", "moyen_de_paiement"),
        *("forma_de_pago", "método_de_pago", "forma_de_pagamento", "metodo_di_pagamento"),
        "betaalmethode",
    ),
    "discount": ("rabatt", "nachlass", "remise", "descuento", "desconto", "sconto", "korting"),
    "currency": ("währung", "devise", "moneda", "moeda", "valuta"),
}
