"""The words that mail goes in where a workspace has none of its own: in each language that papers are in."""

from __future__ import annotations

from typing import Final, NamedTuple


class Usual(NamedTuple):
    """One language; places in double braces are filled (`templates.PLACES`)."""

    invoice: tuple[str, str]
    """Subject and body."""
    reminder: tuple[str, str]
    thanks: tuple[str, str]
    """For a payment: with the places `paid` and `paid_on` too."""
    button: str
    """On the way to the public page."""
    portal: tuple[str, str]
    """With a link that lets somebody in, once."""
    portal_button: str


USUAL: Final[dict[str, Usual]] = {
    "en": Usual(
        invoice=(
            "Invoice {{number}} from {{studio}}",
            (
                "Dear Sir or Madam,\n\nplease find attached invoice {{number}} of {{issue_date}} over "
                "{{total}}, due on "
                "{{due_date}}.\n\nYou can also see and download it here:\n{{link}}\n\nKind regards\n{{studio}}"
            ),
        ),
        reminder=(
            "Reminder: invoice {{number}} from {{studio}}",
            (
                "Dear Sir or Madam,\n\nthis is a reminder of invoice {{number}} of {{issue_date}}, due on "
                "{{due_date}}. "
                "{{balance}} of it are still open.\n\n{{link}}\n\nIf your payment is on its way, please disregard this "
                "message.\n\nKind regards\n{{studio}}"
            ),
        ),
        thanks=(
            "Thank you for your payment of invoice {{number}}",
            (
                "Dear Sir or Madam,\n\n"
                "thank you: on {{paid_on}} we received {{paid}} for invoice {{number}} of {{issue_date}}. "
                "Still open: {{balance}}.\n\n{{link}}\n\nKind regards\n{{studio}}"
            ),
        ),
        button="Show the invoice",
        portal=(
            "Your way into the portal of {{studio}}",
            (
                "Dear Sir or Madam,\n\n"
                "here you see your invoices and how far the work is:\n{{link}}\n\n"
                "The link works once, within 30 minutes. If you did not ask for it, there is nothing to "
                "do.\n\n"
                "Kind regards\n{{studio}}"
            ),
        ),
        portal_button="Open the portal",
    ),
    "de": Usual(
        invoice=(
            "Rechnung {{number}} von {{studio}}",
            (
                "Guten Tag,\n\nanbei erhalten Sie die Rechnung {{number}} vom {{issue_date}} über {{total}}, fällig am "
                "{{due_date}}.\n\nHier können Sie sie auch ansehen und herunterladen:\n{{link}}\n\n"
                "Mit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        reminder=(
            "Erinnerung: Rechnung {{number}} von {{studio}}",
            (
                "Guten Tag,\n\nwir erinnern an die Rechnung {{number}} vom {{issue_date}}, fällig am {{due_date}}. "
                "Offen sind noch {{balance}}.\n\n{{link}}\n\nFalls sich Ihre Zahlung mit dieser Nachricht "
                "überschneidet, "
                "betrachten Sie sie bitte als gegenstandslos.\n\nMit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        thanks=(
            "Danke für Ihre Zahlung der Rechnung {{number}}",
            (
                "Guten Tag,\n\n"
                "vielen Dank: am {{paid_on}} haben wir {{paid}} für die Rechnung "
                "{{number}} vom {{issue_date}} erhalten. "
                "Noch offen: {{balance}}.\n\n{{link}}\n\nMit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        button="Rechnung ansehen",
        portal=(
            "Ihr Zugang zum Portal von {{studio}}",
            (
                "Guten Tag,\n\n"
                "hier sehen Sie Ihre Rechnungen und den Stand der Arbeit:\n{{link}}\n\n"
                "Der Link gilt einmal, innerhalb von 30 Minuten. Falls Sie ihn nicht angefordert haben, "
                "ist nichts zu tun.\n\n"
                "Mit freundlichen Grüßen\n{{studio}}"
            ),
        ),
        portal_button="Portal öffnen",
    ),
    "fr": Usual(
        invoice=(
            "Facture {{number}} de {{studio}}",
            (
                "Bonjour,\n\nveuillez trouver ci-joint la facture {{number}} du {{issue_date}} d'un montant de "
                "{{total}}, à "
                "échéance du {{due_date}}.\n\nVous pouvez aussi la consulter et la télécharger ici :\n{{link}}\n\n"
                "Cordialement\n{{studio}}"
            ),
        ),
        reminder=(
            "Rappel : facture {{number}} de {{studio}}",
            (
                "Bonjour,\n\nnous vous rappelons la facture {{number}} du {{issue_date}}, à échéance du {{due_date}}. "
                "Il reste {{balance}} à régler.\n\n{{link}}\n\nSi votre paiement est déjà en route, veuillez ne "
                "pas tenir "
                "compte de ce message.\n\nCordialement\n{{studio}}"
            ),
        ),
        thanks=(
            "Merci pour votre paiement de la facture {{number}}",
            (
                "Bonjour,\n\n"
                "nous vous remercions : le {{paid_on}}, nous avons reçu {{paid}} pour la facture "
                "{{number}} du {{issue_date}}. "
                "Reste à régler : {{balance}}.\n\n{{link}}\n\nCordialement\n{{studio}}"
            ),
        ),
        button="Voir la facture",
        portal=(
            "Votre accès au portail de {{studio}}",
            (
                "Bonjour,\n\n"
                "vous trouverez ici vos factures et l'avancement du travail :\n{{link}}\n\n"
                "Le lien est valable une seule fois, pendant 30 minutes. Si vous ne l'avez pas demandé, "
                "il n'y a rien à faire.\n\n"
                "Cordialement\n{{studio}}"
            ),
        ),
        portal_button="Ouvrir le portail",
    ),
    "es": Usual(
        invoice=(
            "Factura {{number}} de {{studio}}",
            (
                "Buenos días:\n\nLe enviamos adjunta la factura {{number}} del {{issue_date}} por un importe de "
                "{{total}}, "
                "con vencimiento el {{due_date}}.\n\nTambién puede verla y descargarla aquí:\n{{link}}\n\n"
                "Un cordial saludo\n{{studio}}"
            ),
        ),
        reminder=(
            "Recordatorio: factura {{number}} de {{studio}}",
            (
                "Buenos días:\n\nLe recordamos la factura {{number}} del {{issue_date}}, con vencimiento el "
                "{{due_date}}. "
                "Quedan por pagar {{balance}}.\n\n{{link}}\n\nSi ya ha realizado el pago, no tenga en cuenta este "
                "mensaje.\n\nUn cordial saludo\n{{studio}}"
            ),
        ),
        thanks=(
            "Gracias por el pago de la factura {{number}}",
            (
                "Buenos días:\n\n"
                "Muchas gracias: el {{paid_on}} recibimos {{paid}} por la factura {{number}} del {{issue_date}}. "
                "Pendiente de pago: {{balance}}.\n\n{{link}}\n\nUn cordial saludo\n{{studio}}"
            ),
        ),
        button="Ver la factura",
        portal=(
            "Su acceso al portal de {{studio}}",
            (
                "Buenos días:\n\n"
                "Aquí puede ver sus facturas y el avance del trabajo:\n{{link}}\n\n"
                "El enlace sirve una sola vez, durante 30 minutos. Si no lo ha solicitado, no tiene que "
                "hacer nada.\n\n"
                "Un cordial saludo\n{{studio}}"
            ),
        ),
        portal_button="Abrir el portal",
    ),
    "it": Usual(
        invoice=(
            "Fattura {{number}} di {{studio}}",
            (
                "Buongiorno,\n\nin allegato trova la fattura {{number}} del {{issue_date}} di {{total}}, con "
                "scadenza il "
                "{{due_date}}.\n\nPuò anche vederla e scaricarla qui:\n{{link}}\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        reminder=(
            "Promemoria: fattura {{number}} di {{studio}}",
            (
                "Buongiorno,\n\nLe ricordiamo la fattura {{number}} del {{issue_date}}, con scadenza il {{due_date}}. "
                "Restano da pagare {{balance}}.\n\n{{link}}\n\nSe il pagamento è già in corso, La preghiamo di "
                "ignorare "
                "questo messaggio.\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        thanks=(
            "Grazie per il pagamento della fattura {{number}}",
            (
                "Buongiorno,\n\n"
                "La ringraziamo: il {{paid_on}} abbiamo ricevuto {{paid}} per la fattura "
                "{{number}} del {{issue_date}}. "
                "Ancora da pagare: {{balance}}.\n\n{{link}}\n\nCordiali saluti\n{{studio}}"
            ),
        ),
        button="Vedi la fattura",
        portal=(
            "Il Suo accesso al portale di {{studio}}",
            (
                "Buongiorno,\n\n"
                "qui può vedere le Sue fatture e lo stato del lavoro:\n{{link}}\n\n"
                "Il link vale una volta sola, entro 30 minuti. Se non l'ha richiesto, non deve fare "
                "nulla.\n\n"
                "Cordiali saluti\n{{studio}}"
            ),
        ),
        portal_button="Apri il portale",
    ),
    "nl": Usual(
        invoice=(
            "Factuur {{number}} van {{studio}}",
            (
                "Geachte heer of mevrouw,\n\nbijgaand ontvangt u factuur {{number}} van {{issue_date}} voor "
                "{{total}}, te "
                "betalen uiterlijk {{due_date}}.\n\nU kunt de factuur hier ook bekijken en downloaden:\n{{link}}\n\n"
                "Met vriendelijke groet\n{{studio}}"
            ),
        ),
        reminder=(
            "Herinnering: factuur {{number}} van {{studio}}",
            (
                "Geachte heer of mevrouw,\n\nhierbij herinneren wij u aan factuur {{number}} van "
                "{{issue_date}}, te betalen "
                "uiterlijk {{due_date}}. Daarvan staat nog {{balance}} open.\n\n{{link}}\n\nIs uw betaling al "
                "onderweg, dan "
                "kunt u dit bericht als niet verzonden beschouwen.\n\nMet vriendelijke groet\n{{studio}}"
            ),
        ),
        thanks=(
            "Bedankt voor uw betaling van factuur {{number}}",
            (
                "Geachte heer of mevrouw,\n\n"
                "hartelijk dank: op {{paid_on}} ontvingen wij {{paid}} voor factuur {{number}} van {{issue_date}}. "
                "Nog open: {{balance}}.\n\n{{link}}\n\nMet vriendelijke groet\n{{studio}}"
            ),
        ),
        button="Factuur bekijken",
        portal=(
            "Uw toegang tot het portaal van {{studio}}",
            (
                "Geachte heer of mevrouw,\n\n"
                "hier ziet u uw facturen en de stand van het werk:\n{{link}}\n\n"
                "De link werkt één keer, binnen 30 minuten. Hebt u er niet om gevraagd, dan hoeft u "
                "niets te doen.\n\n"
                "Met vriendelijke groet\n{{studio}}"
            ),
        ),
        portal_button="Portaal openen",
    ),
    "pt": Usual(
        invoice=(
            "Fatura {{number}} de {{studio}}",
            (
                "Bom dia,\n\nsegue em anexo a fatura {{number}} de {{issue_date}}, no valor de {{total}}, com "
                "vencimento em "
                "{{due_date}}.\n\nTambém a pode ver e descarregar aqui:\n{{link}}\n\nCom os melhores "
                "cumprimentos\n{{studio}}"
            ),
        ),
        reminder=(
            "Lembrete: fatura {{number}} de {{studio}}",
            (
                "Bom dia,\n\nlembramos a fatura {{number}} de {{issue_date}}, com vencimento em {{due_date}}. "
                "Falta pagar "
                "{{balance}}.\n\n{{link}}\n\nSe o pagamento já foi efetuado, ignore esta mensagem.\n\n"
                "Com os melhores cumprimentos\n{{studio}}"
            ),
        ),
        thanks=(
            "Obrigado pelo pagamento da fatura {{number}}",
            (
                "Bom dia,\n\n"
                "muito obrigado: em {{paid_on}} recebemos {{paid}} pela fatura {{number}} de {{issue_date}}. "
                "Por pagar: {{balance}}.\n\n{{link}}\n\nCom os melhores cumprimentos\n{{studio}}"
            ),
        ),
        button="Ver a fatura",
        portal=(
            "O seu acesso ao portal de {{studio}}",
            (
                "Bom dia,\n\n"
                "aqui pode ver as suas faturas e o andamento do trabalho:\n{{link}}\n\n"
                "A ligação serve uma única vez, durante 30 minutos. Se não a pediu, não precisa de fazer "
                "nada.\n\n"
                "Com os melhores cumprimentos\n{{studio}}"
            ),
        ),
        portal_button="Abrir o portal",
    ),
    "pl": Usual(
        invoice=(
            "Faktura {{number}} od {{studio}}",
            (
                "Dzień dobry,\n\nw załączeniu przesyłamy fakturę {{number}} z dnia {{issue_date}} na kwotę "
                "{{total}}, z "
                "terminem płatności {{due_date}}.\n\nMożna ją również zobaczyć i pobrać tutaj:\n{{link}}\n\n"
                "Z poważaniem\n{{studio}}"
            ),
        ),
        reminder=(
            "Przypomnienie: faktura {{number}} od {{studio}}",
            (
                "Dzień dobry,\n\nprzypominamy o fakturze {{number}} z dnia {{issue_date}}, z terminem płatności "
                "{{due_date}}. Do zapłaty pozostaje {{balance}}.\n\n{{link}}\n\nJeśli płatność jest już w "
                "drodze, prosimy "
                "zignorować tę wiadomość.\n\nZ poważaniem\n{{studio}}"
            ),
        ),
        thanks=(
            "Dziękujemy za zapłatę faktury {{number}}",
            (
                "Dzień dobry,\n\n"
                "dziękujemy: w dniu {{paid_on}} otrzymaliśmy {{paid}} za fakturę {{number}} z dnia {{issue_date}}. "
                "Pozostaje do zapłaty: {{balance}}.\n\n{{link}}\n\nZ poważaniem\n{{studio}}"
            ),
        ),
        button="Zobacz fakturę",
        portal=(
            "Dostęp do portalu {{studio}}",
            (
                "Dzień dobry,\n\n"
                "tutaj znajdą Państwo swoje faktury i stan prac:\n{{link}}\n\n"
                "Link działa jeden raz, przez 30 minut. Jeśli nie prosili Państwo o niego, nie trzeba "
                "nic robić.\n\n"
                "Z poważaniem\n{{studio}}"
            ),
        ),
        portal_button="Otwórz portal",
    ),
    "ja": Usual(
        invoice=(
            "請求書 {{number}} のご送付 – {{studio}}",
            (
                "ご担当者様\n\n平素より大変お世話になっております。{{issue_date}}付の"
                "請求書 {{number}} をお送りいたします。"
                "金額は {{total}}、お支払期限は{{due_date}}です。\n\n"
                "以下のページからもご確認、ダウンロードいただけます。\n{{link}}\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        reminder=(
            "お支払いのご確認: 請求書 {{number}} – {{studio}}",
            (
                "ご担当者様\n\n{{issue_date}}付の請求書 {{number}} のお支払期限は{{due_date}}です。"
                "未払いの金額は {{balance}} となっております。\n\n{{link}}\n\n"
                "行き違いでお支払い済みの場合は、何卒ご容赦ください。\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        thanks=(
            "ご入金のお礼: 請求書 {{number}}",
            (
                "ご担当者様\n\n"
                "{{paid_on}}、{{issue_date}}付の請求書 "
                "{{number}} に対し {{paid}} のご入金を確認いたしました。誠にありがとうございます。"
                "未払い残高: {{balance}}\n\n{{link}}\n\nどうぞよろしくお願いいたします。\n{{studio}}"
            ),
        ),
        button="請求書を見る",
        portal=(
            "{{studio}} のポータルへのリンク",
            (
                "お世話になっております。\n\n"
                "請求書と作業の状況は、こちらでご覧いただけます。\n{{link}}\n\n"
                "このリンクは30分以内に一度だけ使えます。お心当たりがない場合は、何もなさらなくて結構です。\n\n"
                "よろしくお願いいたします。\n{{studio}}"
            ),
        ),
        portal_button="ポータルを開く",
    ),
    "ar": Usual(
        invoice=(
            "فاتورة {{number}} من {{studio}}",
            (
                "تحية طيبة،\n\nنرفق لكم الفاتورة {{number}} بتاريخ {{issue_date}} بمبلغ {{total}}، وتستحق الدفع في "
                "{{due_date}}.\n\nيمكنكم أيضًا عرضها وتنزيلها هنا:\n{{link}}\n\nمع أطيب التحيات\n{{studio}}"
            ),
        ),
        reminder=(
            "تذكير: الفاتورة {{number}} من {{studio}}",
            (
                "تحية طيبة،\n\nنذكّركم بالفاتورة {{number}} بتاريخ {{issue_date}}، وتستحق الدفع في "
                "{{due_date}}. المبلغ "
                "المتبقي {{balance}}.\n\n{{link}}\n\nإذا كان الدفع قد تم بالفعل فنرجو تجاهل هذه الرسالة.\n\n"
                "مع أطيب التحيات\n{{studio}}"
            ),
        ),
        thanks=(
            "شكرًا لدفعكم الفاتورة {{number}}",
            (
                "تحية طيبة،\n\n"
                "شكرًا لكم: استلمنا في {{paid_on}} مبلغ {{paid}} عن الفاتورة {{number}} بتاريخ {{issue_date}}. "
                "المبلغ المتبقي: {{balance}}.\n\n{{link}}\n\nمع أطيب التحيات\n{{studio}}"
            ),
        ),
        button="عرض الفاتورة",
        portal=(
            "رابط الدخول إلى بوابة {{studio}}",
            (
                "تحية طيبة،\n\n"
                "يمكنكم هنا الاطلاع على فواتيركم وعلى سير العمل:\n{{link}}\n\n"
                "يعمل الرابط مرة واحدة خلال 30 دقيقة. إذا لم تطلبوه فلا حاجة إلى أي إجراء.\n\n"
                "مع أطيب التحيات\n{{studio}}"
            ),
        ),
        portal_button="فتح البوابة",
    ),
}
